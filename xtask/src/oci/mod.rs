//! OCI image layouts, written without a daemon: the image of the store, and the filter as gateways fetch it.
//!
//! Source: <https://github.com/opencontainers/image-spec>, `image-layout.md`, `manifest.md`, `config.md`.

mod image;
mod layout;
mod read;
mod run;
mod wasm;

pub(crate) use image::image;
pub(crate) use layout::{Release, hex, write, write_for_platforms};
pub(crate) use read::Layout;
pub(crate) use run::{Lent, ready_after};
pub(crate) use wasm::wasm;

/// What an index, a manifest, a configuration and a layer call themselves.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Where in an index an image's tag stands.
const TAG: &str = "org.opencontainers.image.ref.name";
