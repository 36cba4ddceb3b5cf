//! End to end: what is shipped, run as it is shipped.

mod scenarios;
