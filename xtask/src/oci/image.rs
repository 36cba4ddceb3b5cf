//! The image of the store: the command, the authorities that databases are checked against, and licences.

use pem::{EncodeConfig, LineEnding, Pem, encode_config};
use serde_json::json;

use super::layout::Image;
use crate::archive::File;

/// Where rustls looks for the system's authorities first, on Debian and here.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// An image of these bytes of a static `usher`, our licence and the licences of what it is made of.
pub(crate) fn image(usher: Vec<u8>, licence: &str, third_party: &str) -> Image {
    Image {
        files: vec![
            File::program("usher", usher),
            File::new(AUTHORITIES, authorities()),
            File::new("licenses/LICENSE", licence),
            File::new("licenses/THIRD-PARTY.txt", third_party),
        ],
        platform: ("amd64", "linux"),
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
    use std::time::Duration;

    use super::{AUTHORITIES, authorities, image};
    use crate::oci::layout::{Release, write};
    use crate::oci::{Layout, ready_after};
    use crate::paths;

    fn release() -> Release {
        Release { version: "0.1.0".to_owned(), revision: "abc".to_owned(), time: 1_700_000_000 }
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
        let image = image(b"a program".to_vec(), "licence", "licences");
        write(&one, &image, &release()).unwrap();
        write(&other, &image, &release()).unwrap();
        let layout = Layout::read(&one).unwrap();
        assert_eq!(layout.manifest_digest, Layout::read(&other).unwrap().manifest_digest);

        let root = folder.path().join("root");
        let files = layout.unpack(&root).unwrap();
        assert_eq!(files, [AUTHORITIES, "licenses/LICENSE", "licenses/THIRD-PARTY.txt", "usher"]);
        for (path, mode) in files.iter().zip([0o444, 0o444, 0o444, 0o555]) {
            assert_eq!(root.join(path).metadata().unwrap().permissions().mode() & 0o7777, mode, "{path}");
        }
        assert_eq!(layout.config["config"]["User"], "65532:65532");
        assert_eq!(layout.manifest["annotations"]["org.opencontainers.image.created"], "2023-11-14T22:13:20Z");
    }

    #[test]
    fn a_blob_that_is_another_or_too_many_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("layout");
        let image = image(b"a program".to_vec(), "licence", "licences");
        for break_it in [
            |blob: &std::path::Path| std::fs::write(blob, b"other").unwrap(),
            |blob: &std::path::Path| std::fs::remove_file(blob).unwrap(),
            |blob: &std::path::Path| std::fs::write(blob.with_file_name("more"), b"more").unwrap(),
        ] {
            write(&place, &image, &release()).unwrap();
            let blobs: Vec<_> = std::fs::read_dir(place.join("blobs/sha256")).unwrap().flatten().collect();
            assert_eq!(blobs.len(), 3);
            for blob in blobs {
                write(&place, &image, &release()).unwrap();
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
        write(&place, &image(usher, "licence", "licences"), &release()).unwrap();
        let layout = Layout::read(&place).unwrap();
        let libraries = ["/lib", "/lib64", "/usr/lib"].map(std::path::Path::new);
        // A busy machine may be slow a few times.
        let took: Vec<_> = (0..5).map(|_| ready_after(&layout, &libraries).unwrap()).collect();
        assert!(took.iter().min().is_some_and(|took| *took < Duration::from_secs(1)), "{took:?}");
    }
}
