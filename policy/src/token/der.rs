//! What BoringSSL reads, in DER: keys as a SubjectPublicKeyInfo (RFC 5280, 4.1), ECDSA signatures as an Ecdsa-Sig-Value
//! (RFC 3279, 2.2.3). The general encoders of the libraries would be more of the filter than all of its rules.

/// `AlgorithmIdentifier` of rsaEncryption (RFC 3279, 2.3.1).
const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// That of id-ecPublicKey with the curve P-256 (RFC 5480, 2.1.1).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];

/// That of id-ecPublicKey with the curve P-384.
const P384: &[u8] =
    &[0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// That of id-Ed25519 (RFC 8410, 3).
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// An RSA key, by modulus and exponent, both big-endian.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    info(RSA, &element(SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]))
}

/// A key on P-256, by its point as SEC 1, 2.3.3 writes it.
pub(super) fn p256(point: &[u8]) -> Vec<u8> {
    info(P256, point)
}

/// A key on P-384, by its point.
pub(super) fn p384(point: &[u8]) -> Vec<u8> {
    info(P384, point)
}

/// A key on Ed25519.
pub(super) fn ed25519(key: &[u8]) -> Vec<u8> {
    info(ED25519, key)
}

/// An ECDSA signature, by its `r` and `s`, both big-endian.
pub(super) fn ecdsa_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&unsigned(r), &unsigned(s)])
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // No bit of the last byte is unused.
    element(SEQUENCE, &[algorithm, &element(BIT_STRING, &[&[0], key])])
}

/// A number that is not negative, in as few bytes as it needs (X.690, 8.3).
fn unsigned(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    match number.first() {
        Some(first) if *first < 0x80 => element(INTEGER, &[number]),
        _ => element(INTEGER, &[&[0], number]),
    }
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(length @ ..0x80) => bytes.push(length),
        Ok(length) => bytes.extend_from_slice(&[0x81, length]),
        // A key set is at most 1 MiB, but a key that can be used has no more than 512 bytes.
        Err(_) => {
            bytes.push(0x82);
            bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{ecdsa_signature, ed25519, element, p256, p384, rsa, unsigned};
    use jwt_simple::algorithms::{
        ECDSAP256PublicKeyLike as _, ECDSAP384PublicKeyLike as _, ES256KeyPair, ES384KeyPair, Ed25519KeyPair,
        RSAPublicKey,
    };

    #[test]
    fn keys_are_written_as_the_libraries_write_them() {
        for _ in 0..20 {
            let key = ES256KeyPair::generate().public_key();
            let point = key.public_key().to_bytes_uncompressed();
            assert_eq!(p256(&point), key.public_key().to_der().unwrap());
            let key = ES384KeyPair::generate().public_key();
            let point = key.public_key().to_bytes_uncompressed();
            assert_eq!(p384(&point), key.public_key().to_der().unwrap());
            let key = Ed25519KeyPair::generate().public_key();
            assert_eq!(ed25519(&key.to_bytes()), key.to_der());
        }
        for (bytes, first) in [(256, 0x80), (256, 0xff), (257, 0x01), (384, 0xc3), (512, 0x9a)] {
            let mut modulus = vec![0xa7; bytes];
            modulus[0] = first;
            let key = RSAPublicKey::from_components(&modulus, &[1, 0, 1]).unwrap();
            assert_eq!(rsa(&modulus, &[1, 0, 1]), key.to_der().unwrap(), "{bytes} bytes");
            let padded = [&[0, 0][..], &modulus].concat();
            assert_eq!(rsa(&padded, &[0, 1, 0, 1]), key.to_der().unwrap(), "zeros before it are no part of a number");
        }
    }

    #[test]
    fn a_signature_is_written_as_the_libraries_write_it() {
        for (zeros, first) in (0..32).flat_map(|zeros| [0x01, 0x7f, 0x80, 0xfe].map(|first| (zeros, first))) {
            for half in [32, 48] {
                let mut number = vec![0xa5; half];
                number[..zeros].fill(0);
                number[zeros] = first;
                let mut other = number.clone();
                other.rotate_left(zeros);
                let raw = [number.as_slice(), &other].concat();
                let expected = match half {
                    32 => p256::ecdsa::Signature::from_slice(&raw).unwrap().to_der().as_bytes().to_vec(),
                    _ => p384::ecdsa::Signature::from_slice(&raw).unwrap().to_der().as_bytes().to_vec(),
                };
                assert_eq!(ecdsa_signature(&number, &other), expected, "{zeros} {first}");
            }
        }
    }

    #[test]
    fn numbers_and_lengths_are_written_in_one_way() {
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        for (length, head) in
            [(0x7f, &[4, 0x7f][..]), (0x80, &[4, 0x81, 0x80]), (0xff, &[4, 0x81, 0xff]), (0x100, &[4, 0x82, 1, 0])]
        {
            assert!(element(4, &[&vec![1; length]]).starts_with(head), "{length}");
        }
    }
}
