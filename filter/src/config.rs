//! The filter's configuration: the policy as JSON, and the store's token from the environment.

use std::fmt;

use usher_policy::Policy;

use crate::log_line;

/// The bearer token for the store, as the header's value. Never shown.
pub(crate) struct StoreToken(String);

impl StoreToken {
    /// The whole `authorization` value.
    pub(crate) fn authorization(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoreToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreToken")
    }
}

/// Reads the policy. Whatever is wrong is logged, each fault with its field.
pub(crate) fn policy(bytes: &[u8]) -> Option<Policy> {
    if !looks_like_json(bytes) {
        log_line::refused(
            "the plugin configuration is not JSON: give the policy as the value of a `google.protobuf.StringValue` \
             (a `google.protobuf.Struct` arrives as protobuf bytes)",
        );
        return None;
    }
    match usher_policy_file::from_json(bytes) {
        Ok(policy) => Some(policy),
        Err(faults) => {
            faults.iter().for_each(log_line::fault);
            None
        }
    }
}

/// The store's token from the value of the environment variable with this name.
pub(crate) fn store_token(name: &str, value: Option<&str>) -> Option<StoreToken> {
    let value = value.unwrap_or_default();
    if value.is_empty() {
        log_line::refused(&no_token(name));
        return None;
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        log_line::refused(&format!("the environment variable `{name}` holds something that no token can be"));
        return None;
    }
    Some(StoreToken(format!("Bearer {value}")))
}

/// What to do about a token that is missing, the likelier cause first: what `usher render` printed names the variable.
fn no_token(name: &str) -> String {
    format!(
        "the environment variable `{name}` with the store's token is not set: export it before Envoy is started; in a \
         configuration that `usher render` did not print, name it in `vm_config.environment_variables.host_env_keys` too"
    )
}

/// Protobuf bytes of a `Struct` begin with a field's tag, never with white space and a brace.
fn looks_like_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.trim_start().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_in_protobuf_is_told_from_json() {
        assert!(looks_like_json(b" {\"version\": 1}"));
        for other in [&b""[..], b"\x0a\x13\x0a\x07version\x12\x08", b"version: 1", b"{\xff", b"[]"] {
            assert!(!looks_like_json(other), "{other:?}");
        }
    }

    #[test]
    fn who_has_no_token_is_told_to_export_it_first() {
        let told = no_token("USHER_STORE_TOKEN");
        let at = |words: &str| told.find(words).unwrap();
        assert!(at("`USHER_STORE_TOKEN`") < at("export it") && at("export it") < at("host_env_keys"), "{told}");
    }

    #[test]
    fn a_token_that_is_missing_empty_or_no_header_value_is_refused() {
        for bad in [None, Some(""), Some("a b"), Some("a\nb"), Some("ü")] {
            assert!(store_token("T", bad).is_none(), "{bad:?}");
        }
        let token = store_token("T", Some("0123456789abcdef")).unwrap();
        assert_eq!(token.authorization(), "Bearer 0123456789abcdef");
        assert!(!format!("{token:?}").contains("0123"));
    }
}
