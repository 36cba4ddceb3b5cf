//! Filters that make host calls and decide nothing, written as WebAssembly text: no filter that makes these calls costs less.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use usher_policy::token::keys::KeySet;
use usher_scenario::token::KeyRing;
use usher_tests::system::store::STORE_TOKEN;

use crate::people::{TAGS, claims, login, sign};

/// Where the host writes what it is asked for: an address and a length, and a time or the number of a call. Not at 0, which is
/// no place for some of its functions.
const ADDRESS: usize = 16;
const LENGTH: usize = 20;
const NUMBER: usize = 24;

/// Where the first of the bytes that are handed to the host lie; before them, what it writes.
const FIRST: usize = 1024;

/// Where the requests of the last 256 calls are kept.
const REQUESTS: usize = 0xf000;

/// The host's functions that are called, by how many numbers each takes.
const IMPORTS: [(&str, usize); 11] = [
    ("proxy_add_header_map_value", 5),
    ("proxy_call_foreign_function", 6),
    ("proxy_continue_stream", 1),
    ("proxy_get_buffer_bytes", 5),
    ("proxy_get_current_time_nanoseconds", 1),
    ("proxy_get_header_map_pairs", 3),
    ("proxy_get_header_map_value", 5),
    ("proxy_http_call", 10),
    ("proxy_remove_header_map_value", 3),
    ("proxy_set_effective_context", 1),
    ("proxy_set_property", 4),
];

/// A filter in the making.
#[derive(Default)]
pub(crate) struct BareFilter {
    data: Vec<u8>,
    arrival: String,
    /// What is done when the call is answered; `None` where there is no call to wait for.
    answer: Option<String>,
}

impl BareFilter {
    /// It puts one login to this cluster, and lets the request go on when that is answered.
    ///
    /// # Errors
    /// The clock is before 1970.
    pub(crate) fn call(mut self, cluster: &str) -> Result<Self> {
        let headers = encode(&[
            (":method", "POST"),
            (":path", "/v1/organizations/acme-chat/logins"),
            (":authority", "store"),
            ("authorization", &format!("Bearer {STORE_TOKEN}")),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ])?;
        let [cluster, headers] = [cluster.as_bytes(), headers.as_slice()].map(|bytes| self.place(bytes));
        let [body, trailers] = [login()?.to_string().as_bytes(), &encode(&[])?].map(|bytes| self.place(bytes));
        self.arrival +=
            &ask("proxy_http_call", &format!("{cluster} {headers} {body} {trailers} {} {}", n(5000), n(NUMBER)));
        writeln!(self.arrival, "(i32.store {} (local.get 0))", place_of_request(&format!("(i32.load {})", n(NUMBER))))?;
        // As much of the host's work as whoever uses the answer has, and no more.
        let status = self.place(b":status");
        let status = ask("proxy_get_header_map_value", &format!("{} {status} {} {}", n(6), n(ADDRESS), n(LENGTH)));
        let body =
            ask("proxy_get_buffer_bytes", &format!("{} {} (local.get 3) {} {}", n(4), n(0), n(ADDRESS), n(LENGTH)));
        let request = format!("(i32.load {})", place_of_request("(local.get 1)"));
        self.answer = Some(status + &body + &ask("proxy_set_effective_context", &request));
        Ok(self)
    }

    /// It reads all headers and a clock.
    pub(crate) fn read(mut self) -> Self {
        self.arrival += &ask("proxy_get_header_map_pairs", &format!("{} {} {}", n(0), n(ADDRESS), n(LENGTH)));
        self.arrival += &ask("proxy_get_current_time_nanoseconds", &n(NUMBER));
        self
    }

    /// It lets the host check a true signature of RS256 over a token like those of the requests.
    ///
    /// # Errors
    /// No key can be made.
    pub(crate) fn verify(mut self) -> Result<Self> {
        let token = sign("RS256", claims("nobody-else", &["engineering", "staff", "power"])?)?;
        let (text, signature) = token.rsplit_once('.').context("a token has three parts")?;
        let signature =
            usher_policy::token::base64url::decode(signature.as_bytes()).context("a signature is base64url")?;
        let keys: Value = KeyRing::Main.jwks()?;
        let keys = KeySet::parse(keys.to_string().as_bytes())?;
        let kid = KeyRing::Main.kid("RS256")?;
        let key = keys.keys().iter().find(|key| key.id() == Some(kid.as_str())).context("there is a key for RS256")?;
        let question = fields(&[b"sha256", key.spki(), &signature, text.as_bytes()])?;
        let [function, question] = [b"verify_signature".as_slice(), &question].map(|bytes| self.place(bytes));
        self.arrival +=
            &ask("proxy_call_foreign_function", &format!("{function} {question} {} {}", n(ADDRESS), n(LENGTH)));
        // Field 1 of the result is the verdict.
        let verdict = format!("(i32.load16_u (i32.load {}))", n(ADDRESS));
        writeln!(self.arrival, "(if (i32.ne {verdict} (i32.const 0x0108)) (then unreachable))")?;
        Ok(self)
    }

    /// It writes six headers and six values of filter state, when the call is answered, or at once, and takes the credential away.
    pub(crate) fn tag(mut self) -> Self {
        let mut code = String::new();
        for (name, value) in TAGS {
            let state = name.replacen("x-usher-", "usher.", 1).replace('-', "_");
            let [name, state, value] = [name, &state, value].map(|text| self.place(text.as_bytes()));
            code += &ask("proxy_add_header_map_value", &format!("{} {name} {value}", n(0)));
            code += &ask("proxy_set_property", &format!("{state} {value}"));
        }
        let credential = self.place(b"authorization");
        code += &ask("proxy_remove_header_map_value", &format!("{} {credential}", n(0)));
        *self.answer.as_mut().unwrap_or(&mut self.arrival) += &code;
        self
    }

    /// The module.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn module(&self) -> Result<Vec<u8>> {
        let mut text = String::from("(module\n");
        for (name, numbers) in IMPORTS {
            let numbers = "i32 ".repeat(numbers);
            writeln!(text, "(import \"env\" \"{name}\" (func ${name} (param {numbers}) (result i32)))")?;
        }
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        ensure!(FIRST + self.data.len() < REQUESTS, "it has so much room");
        let action = i32::from(self.answer.is_some());
        writeln!(
            text,
            "(memory (export \"memory\") 16)
             (data (i32.const {FIRST}) \"{data}\")
             (global $free (mut i32) (i32.const 0x10000))
             (func (export \"proxy_abi_version_0_2_1\"))
             (func (export \"proxy_on_memory_allocate\") (param i32) (result i32)
               (global.get $free)
               (global.set $free (i32.add (global.get $free) (local.get 0))))
             (func (export \"proxy_on_request_headers\") (param i32 i32 i32) (result i32)
               (global.set $free (i32.const 0x10000))
               {}
               (i32.const {action}))",
            self.arrival
        )?;
        if let Some(answer) = &self.answer {
            writeln!(
                text,
                "(func (export \"proxy_on_http_call_response\") (param i32 i32 i32 i32 i32)
                   (global.set $free (i32.const 0x10000))
                   {answer}
                   {})",
                ask("proxy_continue_stream", &n(0))
            )?;
        }
        text.push(')');
        Ok(wat::parse_str(&text)?)
    }

    /// Puts bytes into the module's memory. Gives their address and length, as two numbers.
    fn place(&mut self, bytes: &[u8]) -> String {
        let at = FIRST + self.data.len();
        self.data.extend_from_slice(bytes);
        format!("{} {}", n(at), n(bytes.len()))
    }
}

/// Where it is kept which request a call is for, by the number of the call: the host answers the root context.
fn place_of_request(call: &str) -> String {
    format!("(i32.add {} (i32.shl (i32.and {call} {}) (i32.const 2)))", n(REQUESTS), n(0xff))
}

/// A number.
fn n(number: usize) -> String {
    format!("(i32.const {number})")
}

/// A call that must succeed: a filter that traps answers 503, which the benchmark does not take.
fn ask(function: &str, numbers: &str) -> String {
    format!("(if (call ${function} {numbers}) (then unreachable))\n")
}

/// Headers as the host reads them: how many, the lengths of all, then all, each with a zero behind it.
fn encode(headers: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut bytes = u32::try_from(headers.len())?.to_le_bytes().to_vec();
    let texts = || headers.iter().flat_map(|(name, value)| [*name, *value]);
    for text in texts() {
        bytes.extend(u32::try_from(text.len())?.to_le_bytes());
    }
    texts().for_each(|text| bytes.extend(text.bytes().chain([0])));
    Ok(bytes)
}

/// `VerifySignatureArguments` (1 hash, 2 key, 3 signature, 4 text): length-delimited fields of protobuf.
fn fields(fields: &[&[u8]]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (number, field) in (1_u8..).zip(fields) {
        bytes.push(number << 3 | 2);
        let mut length = field.len();
        while length > 0x7f {
            bytes.push(u8::try_from(length & 0x7f)? | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length)?);
        bytes.extend_from_slice(field);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_a_valid_module_that_exports_what_the_host_calls() {
        let filters = [
            (BareFilter::default(), false),
            (BareFilter::default().read().tag(), false),
            (BareFilter::default().call("store").unwrap(), true),
            (BareFilter::default().read().verify().unwrap().call("store").unwrap().tag(), true),
        ];
        for (filter, waits) in filters {
            let module = filter.module().unwrap();
            wasmparser::validate(&module).unwrap();
            let has = |name: &str| module.windows(name.len()).any(|bytes| bytes == name.as_bytes());
            assert!(has("proxy_abi_version_0_2_1") && has("proxy_on_request_headers"));
            assert_eq!(has("proxy_on_http_call_response"), waits);
        }
    }

    #[test]
    fn headers_and_fields_are_written_as_the_host_reads_them() {
        let headers = encode(&[("a", "xyz"), ("bc", "")]).unwrap();
        assert_eq!(headers, b"\x02\0\0\0\x01\0\0\0\x03\0\0\0\x02\0\0\0\0\0\0\0a\0xyz\0bc\0\0");
        assert_eq!(fields(&[b"h", b""]).unwrap(), [0x0a, 1, b'h', 0x12, 0]);
        assert_eq!(fields(&[&[7; 300]]).unwrap().get(..3), Some(&[0x0a, 0xac, 0x02][..]));
    }
}
