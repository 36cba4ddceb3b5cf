//! Signatures by the host (BoringSSL) where it offers that, by jwt-simple for the rest: both behind policy's trait.

mod known_answer;

use std::borrow::Cow;

use usher_policy::model::Algorithm;
use usher_policy::token::keys::Key;
use usher_policy::token::signature::{JwtSimple, SignatureVerifier, ecdsa_der};

use crate::host;

/// The name under which Envoy offers it (design §5, "Facts about the host").
const FUNCTION: &str = "verify_signature";

/// Checks signatures with the host where it was seen to do that rightly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signatures {
    by_host: bool,
}

impl Signatures {
    /// Puts signatures with known answers to the host, once; one wrong answer and the host is never asked again.
    pub(crate) fn detect() -> Self {
        Self { by_host: known_answer::holds(ask_host) }
    }

    /// Whether the host checks what it can.
    pub(crate) fn by_host(self) -> bool {
        self.by_host
    }
}

impl SignatureVerifier for Signatures {
    fn verify(&self, algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool {
        let by_host = match host_form(algorithm, signature) {
            Some((hash, signature)) if self.by_host => ask_host(hash, key.spki(), &signature, message),
            Some(_) | None => None,
        };
        // Only a failure to check falls back: a host that says no has said no.
        by_host.unwrap_or_else(|| JwtSimple.verify(algorithm, key, message, signature))
    }
}

/// The hash and the form of the signature by which the host knows an algorithm, if it does.
fn host_form(algorithm: Algorithm, signature: &[u8]) -> Option<(&'static str, Cow<'_, [u8]>)> {
    match algorithm {
        Algorithm::Rs256 => Some(("sha256", signature.into())),
        Algorithm::Rs384 => Some(("sha384", signature.into())),
        Algorithm::Rs512 => Some(("sha512", signature.into())),
        Algorithm::Es256 => Some(("sha256", ecdsa_der(signature)?.into())),
        Algorithm::Es384 => Some(("sha384", ecdsa_der(signature)?.into())),
        Algorithm::EdDsa | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => None,
    }
}

/// What the host says of a signature; `None` where it could not check it.
fn ask_host(hash: &str, spki: &[u8], signature: &[u8], message: &[u8]) -> Option<bool> {
    answer(&host::foreign(FUNCTION, &question(hash, spki, signature, message)).ok()?)
}

/// `VerifySignatureArguments` (1 hash, 2 key, 3 signature, 4 text), all length-delimited.
fn question(hash: &str, spki: &[u8], signature: &[u8], message: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(hash.len() + spki.len() + signature.len() + message.len() + 24);
    for (number, field) in (1_u8..).zip([hash.as_bytes(), spki, signature, message]) {
        encoded.push(number << 3 | 2);
        let mut length = field.len();
        while length > 0x7f {
            encoded.push(low_seven_bits(length) | 0x80);
            length >>= 7;
        }
        encoded.push(low_seven_bits(length));
        encoded.extend_from_slice(field);
    }
    encoded
}

/// `VerifySignatureResult`: field 1 is the verdict, absent for false as proto3 has it; field 2 is an error in words.
fn answer(encoded: &[u8]) -> Option<bool> {
    match encoded {
        [0x08, 0x01, rest @ ..] if rest.is_empty() || rest == [0x12, 0x00] => Some(true),
        [] | [0x12, ..] | [0x08, 0x00, ..] => Some(false),
        _ => None,
    }
}

fn low_seven_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_four_length_delimited_fields() {
        let long = vec![7; 300];
        let mut expected = vec![0x0a, 1, b'h', 0x12, 0xac, 0x02];
        expected.extend_from_slice(&long);
        expected.extend_from_slice(&[0x1a, 0, 0x22, 2, b'h', b'i']);
        assert_eq!(question("h", &long, b"", b"hi"), expected);
    }

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        for (encoded, expected) in [
            (&[0x08, 0x01][..], Some(true)),
            (&[0x08, 0x01, 0x12, 0x00], Some(true)),
            (&[0x08, 0x01, 0x12, 0x01, b'e'], None),
            (&[0x08, 0x02], None),
            (&[0x08], None),
            (&[0x08, 0x00], Some(false)),
            (&[], Some(false)),
            (&[0x12, 0x01, b'e'], Some(false)),
            (&[0x10, 0x01], None),
        ] {
            assert_eq!(answer(encoded), expected, "{encoded:?}");
        }
    }

    #[test]
    fn the_host_is_asked_only_for_what_it_can_do() {
        for algorithm in Algorithm::ALL {
            let length = if *algorithm == Algorithm::Es384 { 96 } else { 64 };
            let asked = host_form(*algorithm, &vec![1; length]).is_some();
            let name = algorithm.name();
            assert_eq!(asked, name.starts_with("RS") || name.starts_with("ES"), "{name}");
        }
        assert_eq!(host_form(Algorithm::Es256, &[0; 64]), None);
    }
}
