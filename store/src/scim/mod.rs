//! SCIM 2.0 (RFC 7643 and 7644): what an identity provider's directory says, and what it wants to know.

mod attribute_path;
mod cursor;
mod error;
mod etag;
mod filter;
mod list;
mod patch;
mod projection;
mod resource;
mod schema;
mod time;
