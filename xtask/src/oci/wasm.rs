//! The filter as an OCI artifact, in the one form that both Istio and Envoy Gateway look for first.
//!
//! It is the *compat* variant of the Wasm Image Specification: an ordinary image of one layer with `plugin.wasm` in it, which
//! every registry takes. Sources: <https://github.com/solo-io/wasm/blob/master/spec/spec-compat.md>; `extractOCIStandardImage`
//! in Istio's `pkg/wasm/imagefetcher.go` and in Envoy Gateway's `internal/wasm/imagefetcher.go`, which read the last layer.

use serde_json::json;

use super::layout::Image;
use crate::archive::File;

/// The name that both search the layer for.
const PLUGIN: &str = "plugin.wasm";

/// An artifact of these bytes of `usher.wasm`.
pub(crate) fn wasm(filter: Vec<u8>) -> Image {
    Image {
        files: vec![File::new(PLUGIN, filter)],
        platform: ("wasm", "wasip1"),
        config: json!({}),
        annotations: vec![
            ("module.wasm.image/variant", "compat"),
            ("org.opencontainers.image.title", "usher.wasm"),
            ("org.opencontainers.image.description", "The usher filter for Envoy (proxy-wasm)"),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::wasm;
    use crate::oci::layout::{Release, write};
    use crate::oci::read::Image;
    use crate::oci::{LAYER, Layout};

    /// As both fetchers do it: the last layer, of exactly this type, and in it the first file with this base name.
    fn fetched(image: &Image) -> Vec<u8> {
        let layers = image.manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0]["mediaType"], LAYER);
        let mut archive = tar::Archive::new(image.layers.last().unwrap().as_slice());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().file_name().is_some_and(|name| name == "plugin.wasm") {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                return bytes;
            }
        }
        panic!("no plugin.wasm");
    }

    #[test]
    fn gateways_find_the_filter_in_it() {
        let filter = crate::paths::output().unwrap().join("usher.wasm");
        let filter = std::fs::read(filter).expect("run `cargo xtask test`, which builds it first");
        let folder = tempfile::tempdir().unwrap();
        let release = Release { version: "0.1.0".to_owned(), revision: "abc".to_owned(), time: 1 };
        write(folder.path(), &wasm(filter.clone()), &release).unwrap();
        let layout = Layout::read(folder.path()).unwrap();
        // Not an index: what asks for the filter runs on any processor.
        let image = layout.image("wasip1/wasm").unwrap();
        assert_eq!(fetched(image), filter);
        assert_eq!(image.manifest["annotations"]["module.wasm.image/variant"], "compat");
        // Istio takes a manifest of this type for Docker's, which has other layers.
        assert_ne!(image.manifest["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
    }
}
