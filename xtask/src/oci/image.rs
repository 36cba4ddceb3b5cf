//! The image of the store: the command, the authorities that databases are checked against, and licences.

use pem::{EncodeConfig, LineEnding, Pem, encode_config};
use serde_json::json;

use super::layout::Image;
use crate::archive::File;

/// Where rustls looks for the system's authorities first, on Debian and here.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// An image, for Linux on such a processor, of these bytes of a static `usher`, our licence and the licences of what it is made of.
pub(crate) fn image(architecture: &'static str, usher: Vec<u8>, licence: &str, third_party: &str) -> Image {
    Image {
        files: vec![
            File::program("usher", usher),
            File::new(AUTHORITIES, authorities()),
            File::new("licenses/LICENSE", licence),
            File::new("licenses/THIRD-PARTY.txt", third_party),
        ],
        platform: (architecture, "linux"),
        config: json!({
            "User": "65532:65532",
            "ExposedPorts": {"7070/tcp": {}},
            "Entrypoint": ["/usher"],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
        }),
        annotations: vec![
            ("org.opencontainers.image.title", "usher"),
            ("org.opencontainers.image.description", "The usher command, and with it the membership store"),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
        ],
    }
}

/// Mozilla's list, of the version that the lock file names: the store checks PostgreSQL by it (`sslmode=verify-full`).
fn authorities() -> String {
    let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let pems: Vec<_> = certificates.iter().map(|der| Pem::new("CERTIFICATE", der.as_ref())).collect();
    let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pems.iter().map(|pem| encode_config(pem, unix)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{AUTHORITIES, Image, authorities, image};
    use crate::oci::layout::{Release, digest, write, write_for_platforms};
    use crate::oci::{INDEX, Layout, Lent, MANIFEST, ready_after};
    use crate::paths;

    fn release() -> Release {
        Release { version: "0.1.0".to_owned(), revision: "abc".to_owned(), time: 1_700_000_000 }
    }

    fn both() -> [Image; 2] {
        ["amd64", "arm64"].map(|architecture| image(architecture, architecture.into(), "licence", "licences"))
    }

    fn json_of(file: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    /// Every file below a folder, by its name, with its bytes.
    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for place in [folder.to_owned(), folder.join("blobs/sha256")] {
            for file in std::fs::read_dir(place).unwrap().flatten().filter(|entry| entry.path().is_file()) {
                found.push((file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn the_authorities_can_be_read_again() {
        let read = pem::parse_many(authorities()).unwrap();
        assert!(read.len() > 100, "{}", read.len());
        let der: Vec<&[u8]> = read.iter().map(pem::Pem::contents).collect();
        assert_eq!(der, webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    }

    #[test]
    fn the_image_holds_nothing_else_and_the_same_parts_make_the_same_image() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        write_for_platforms(&one, &both(), &release()).unwrap();
        write_for_platforms(&other, &both(), &release()).unwrap();
        assert_eq!(files(&one), files(&other));

        let layout = Layout::read(&one).unwrap();
        for platform in ["linux/amd64", "linux/arm64"] {
            let image = layout.image(platform).unwrap();
            let root = folder.path().join(platform);
            let files = image.unpack(&root).unwrap();
            assert_eq!(files, [AUTHORITIES, "licenses/LICENSE", "licenses/THIRD-PARTY.txt", "usher"]);
            for (path, mode) in files.iter().zip([0o444, 0o444, 0o444, 0o555]) {
                assert_eq!(root.join(path).metadata().unwrap().permissions().mode() & 0o7777, mode, "{path}");
            }
            assert_eq!(format!("linux/{}", std::fs::read_to_string(root.join("usher")).unwrap()), platform);
            assert_eq!(image.config["config"]["User"], "65532:65532");
            assert_eq!(image.manifest["annotations"]["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
        }
        assert!(layout.image("linux/riscv64").is_err());
    }

    /// As `image-index.md` of the specification has it, of which container engines take what is for them.
    #[test]
    fn the_index_names_each_platform_with_its_manifest() {
        let folder = tempfile::tempdir().unwrap();
        write_for_platforms(folder.path(), &both(), &release()).unwrap();
        let named = json_of(&folder.path().join("index.json"));
        assert_eq!(named["manifests"].as_array().unwrap().len(), 1, "one image, by one tag");
        let named = &named["manifests"][0];
        assert_eq!(named["mediaType"], INDEX);
        assert_eq!(named["annotations"], json!({"org.opencontainers.image.ref.name": "0.1.0"}));

        let blobs = folder.path().join("blobs/sha256");
        let blob = |described: &Value| {
            let name = described["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
            let bytes = std::fs::read(blobs.join(name)).unwrap();
            assert_eq!(described["digest"], digest(&bytes));
            assert_eq!(described["size"], bytes.len());
            serde_json::from_slice::<Value>(&bytes).unwrap()
        };
        assert_eq!(Layout::read(folder.path()).unwrap().digest, named["digest"]);
        let index = blob(named);
        assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(INDEX)));
        assert_eq!(index["annotations"]["org.opencontainers.image.version"], "0.1.0");
        let manifests = index["manifests"].as_array().unwrap();
        let architectures = ["amd64", "arm64"];
        assert_eq!(manifests.len(), architectures.len());
        for (described, architecture) in manifests.iter().zip(architectures) {
            assert_eq!(described["mediaType"], MANIFEST);
            assert_eq!(described["platform"], json!({"architecture": architecture, "os": "linux"}));
            let config = blob(&blob(described)["config"]);
            assert_eq!((&config["architecture"], &config["os"]), (&json!(architecture), &json!("linux")));
        }
    }

    #[test]
    fn a_platform_comes_once_and_is_what_its_image_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let [one, _] = both();
        let twice = [one.clone(), one.clone()];
        assert!(write_for_platforms(folder.path(), &twice, &release()).is_err());
        assert!(write_for_platforms(folder.path(), &[], &release()).is_err());

        write(folder.path(), &one, &release()).unwrap();
        Layout::read(folder.path()).unwrap().image("linux/amd64").unwrap();
        let index = folder.path().join("index.json");
        let text = std::fs::read_to_string(&index).unwrap();
        std::fs::write(&index, text.replace("amd64", "arm64")).unwrap();
        let error = Layout::read(folder.path()).unwrap_err().to_string();
        assert_eq!(error, "an image for linux/amd64 that is said to be for linux/arm64");
    }

    #[test]
    fn a_blob_that_is_another_or_too_many_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("layout");
        for break_it in [
            |blob: &Path| std::fs::write(blob, b"other").unwrap(),
            |blob: &Path| std::fs::remove_file(blob).unwrap(),
            |blob: &Path| std::fs::write(blob.with_file_name("more"), b"more").unwrap(),
        ] {
            write_for_platforms(&place, &both(), &release()).unwrap();
            let blobs: Vec<_> = std::fs::read_dir(place.join("blobs/sha256")).unwrap().flatten().collect();
            assert_eq!(blobs.len(), 7);
            for blob in blobs {
                write_for_platforms(&place, &both(), &release()).unwrap();
                assert!(Layout::read(&place).is_ok());
                break_it(&blob.path());
                assert!(Layout::read(&place).is_err(), "{}", blob.path().display());
            }
        }
    }

    /// With the command as it is built for the other tests, which needs this machine's libraries; `cargo xtask release`
    /// does the same with the static one, without them.
    #[test]
    fn the_image_runs_as_nobody_on_a_root_that_it_cannot_write_to() {
        let usher = paths::output().unwrap().join("usher");
        let usher = std::fs::read(usher).expect("run `cargo xtask test`, which builds it first");
        let folder = tempfile::tempdir_in(paths::output().unwrap()).unwrap();
        let place = folder.path().join("layout");
        write_for_platforms(&place, &[image("amd64", usher, "licence", "licences")], &release()).unwrap();
        let layout = Layout::read(&place).unwrap();
        let lent = Lent { libraries: &["/lib", "/lib64", "/usr/lib"].map(Path::new), emulator: None };
        // A busy machine may be slow some of the time.
        let mut tries = (0..10).map(|_| ready_after(layout.image("linux/amd64").unwrap(), &lent).unwrap());
        let mut slow = Vec::new();
        let is_ready = tries.any(|took| {
            slow.push(took);
            took < Duration::from_secs(1)
        });
        assert!(is_ready, "{slow:?}");
    }
}
