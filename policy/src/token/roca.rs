//! RSA keys whose primes were made in a way that lets them be found (CVE-2017-15361, "ROCA"), known by their modulus alone.

/// In such a modulus, what is left over from each of these primes is a power of 65537; by chance, in one of 2^27.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether a modulus, big-endian, bears the mark.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        is_power(rest, *prime)
    })
}

/// Whether a number is a power of 65537, counted in the remainders of a prime.
fn is_power(number: u32, prime: u32) -> bool {
    let mut power = 1;
    // The powers come round to 1 after at most `prime - 1` steps.
    for _ in 1..prime {
        if power == number {
            return true;
        }
        power = power * 65537 % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{PRIMES, is_marked};
    use crate::token::KeySet;
    use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder as _};
    use serde_json::json;

    #[test]
    fn a_marked_modulus_is_known_and_others_are_not() {
        // A power of 65537 is marked whatever it is left over from, and one more is not.
        let mut power = vec![1_u8];
        for _ in 0..127 {
            power = times_65537(&power);
        }
        assert!(power.len() > 250 && is_marked(&power));
        let mut other = power.clone();
        *other.last_mut().unwrap() ^= 2;
        assert!(!is_marked(&other));
        // Every byte counts, the first as well as the last.
        let mut other = power.clone();
        other[0] ^= 2;
        assert!(!is_marked(&other));
        assert!(!is_marked(&[]) && !is_marked(&[0; 256]));
        // Every prime is asked: the product of one with the mark has none.
        for prime in PRIMES {
            let product = power.iter().rev().fold((Vec::new(), 0_u32), |(mut bytes, carry), byte| {
                let sum = u32::from(*byte) * prime + carry;
                bytes.push(sum as u8);
                (bytes, sum >> 8)
            });
            let mut bytes = product.0;
            bytes.push(product.1 as u8);
            bytes.reverse();
            assert!(!is_marked(&bytes), "{prime}");
        }
    }

    #[test]
    fn a_key_with_the_mark_verifies_nothing() {
        let mut marked = vec![1_u8];
        for _ in 0..130 {
            marked = times_65537(&marked);
        }
        let mut other = marked.clone();
        *other.last_mut().unwrap() ^= 2;
        for (modulus, is_usable) in [(marked, false), (other, true)] {
            let n = Base64UrlSafeNoPadding::encode_to_string(modulus).unwrap();
            let set = json!({"keys": [{"kty": "RSA", "n": n, "e": "AQAB"}]});
            assert_eq!(KeySet::parse(set.to_string().as_bytes()).is_ok(), is_usable);
        }
    }

    /// `number * 2^16 + number`, big-endian.
    fn times_65537(number: &[u8]) -> Vec<u8> {
        let shifted: Vec<u8> = number.iter().copied().chain([0, 0]).collect();
        let mut sum = vec![0; shifted.len() + 1];
        let mut carry = 0;
        for at in 0..sum.len() {
            let digit = |bytes: &[u8]| bytes.iter().rev().nth(at).map_or(0, |byte| u16::from(*byte));
            carry += digit(&shifted) + digit(number);
            let place = sum.len() - 1 - at;
            sum[place] = carry as u8;
            carry >>= 8;
        }
        sum
    }
}
