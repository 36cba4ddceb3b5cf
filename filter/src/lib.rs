//! The proxy-wasm filter: host calls at the rim, a small state machine inside.
