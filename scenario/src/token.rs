//! Tokens of every kind: well signed, forged, and malformed.

use std::sync::{LazyLock, OnceLock};

use anyhow::{Result, bail};
use jwt_simple::prelude::*;
use serde_json::{Map, Value, json};

/// The claims of a token, or its header.
pub type Members = Map<String, Value>;

/// Every algorithm that can be signed with, by its `alg`.
pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// A provider's set of keys; one for each kind of algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyRing {
    /// The keys that the policy trusts.
    #[default]
    Main,
    /// The keys after a rotation.
    Next,
    /// Keys that nobody trusts.
    Stranger,
}

/// What is done to a token to make it a forgery or a wreck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// `alg: none` and no signature.
    AlgNone,
    /// Claims replaced under the signature of others.
    ChangedClaims,
    /// The signature's last part is missing.
    CutSignature,
    /// One bit of the signature is another.
    FlippedSignature,
    /// Signed by a stranger, whose public key stands in the header as `jwk`.
    EmbeddedKey,
    /// A fourth part.
    FourParts,
    /// HMAC, with the provider's public key as the secret.
    HmacWithPublicKey,
    /// The payload is no JSON object.
    NotAnObject,
    /// Padded base64.
    Padded,
    /// Only two parts.
    TwoParts,
}

struct Keys {
    name: &'static str,
    rsa: OnceLock<Vec<u8>>,
    es256: ES256KeyPair,
    es384: ES384KeyPair,
    ed25519: Ed25519KeyPair,
}

impl Keys {
    fn generate(name: &'static str) -> Self {
        Self {
            name,
            rsa: OnceLock::new(),
            es256: ES256KeyPair::generate(),
            es384: ES384KeyPair::generate(),
            ed25519: Ed25519KeyPair::generate(),
        }
    }

    /// Made when it is first needed: this takes seconds.
    fn rsa(&self) -> Result<&[u8]> {
        if let Some(der) = self.rsa.get() {
            return Ok(der);
        }
        let der = RS256KeyPair::generate(2048)?.to_der()?;
        Ok(self.rsa.get_or_init(|| der))
    }
}

static MAIN: LazyLock<Keys> = LazyLock::new(|| Keys::generate("main"));
static NEXT: LazyLock<Keys> = LazyLock::new(|| Keys::generate("next"));
static STRANGER: LazyLock<Keys> = LazyLock::new(|| Keys::generate("stranger"));

impl KeyRing {
    /// Every set, by its name in scenario files.
    pub const NAMES: [(&'static str, Self); 3] =
        [("main", Self::Main), ("next", Self::Next), ("stranger", Self::Stranger)];

    /// The `kid` of the key for an algorithm.
    ///
    /// # Errors
    /// The algorithm is not known.
    pub fn kid(self, algorithm: &str) -> Result<String> {
        let kind = match algorithm {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => "rsa",
            "ES256" => "es256",
            "ES384" => "es384",
            "EdDSA" => "ed25519",
            other => bail!("no key for algorithm `{other}`"),
        };
        Ok(format!("{}-{kind}", self.keys().name))
    }

    /// Signs claims; the header has `alg`, `typ` and, where given, `kid`.
    ///
    /// # Errors
    /// The algorithm is not known.
    pub fn sign(self, algorithm: &str, kid: Option<&str>, claims: &Members) -> Result<String> {
        let keys = self.keys();
        macro_rules! sign {
            ($pair:expr) => {{
                let pair = $pair?;
                let pair = if let Some(kid) = kid { pair.with_key_id(kid) } else { pair };
                pair.sign(only(claims))
            }};
        }
        match algorithm {
            "RS256" => sign!(RS256KeyPair::from_der(keys.rsa()?)),
            "RS384" => sign!(RS384KeyPair::from_der(keys.rsa()?)),
            "RS512" => sign!(RS512KeyPair::from_der(keys.rsa()?)),
            "PS256" => sign!(PS256KeyPair::from_der(keys.rsa()?)),
            "PS384" => sign!(PS384KeyPair::from_der(keys.rsa()?)),
            "PS512" => sign!(PS512KeyPair::from_der(keys.rsa()?)),
            "ES256" => sign!(ES256KeyPair::from_bytes(&keys.es256.to_bytes())),
            "ES384" => sign!(ES384KeyPair::from_bytes(&keys.es384.to_bytes())),
            "EdDSA" => sign!(Ed25519KeyPair::from_bytes(&keys.ed25519.to_bytes())),
            other => bail!("no key for algorithm `{other}`"),
        }
    }

    /// Signs claims under any header, with the Ed25519 key.
    pub fn sign_under(self, header: &Members, payload: &Value) -> String {
        self.seal(json!(header).to_string().as_bytes(), payload.to_string().as_bytes())
    }

    /// Signs what may be no JSON at all, with the Ed25519 key.
    pub fn seal(self, header: &[u8], payload: &[u8]) -> String {
        self.sign_parts(&encode(header), &encode(payload))
    }

    /// Signs what may not even be encoded, with the Ed25519 key.
    pub fn sign_parts(self, header: &str, payload: &str) -> String {
        let signed = format!("{header}.{payload}");
        let signature = self.keys().ed25519.key_pair().as_ref().sk.sign(&signed, None);
        format!("{signed}.{}", encode(signature.as_ref()))
    }

    /// The public keys as a JWK set (RFC 7517, 5).
    ///
    /// # Errors
    /// No key can be made.
    pub fn jwks(self) -> Result<Value> {
        let keys: Result<Vec<_>> =
            ["RS256", "ES256", "ES384", "EdDSA"].into_iter().map(|algorithm| self.public(algorithm)).collect();
        Ok(json!({"keys": keys?}))
    }

    /// The public key for one algorithm, as a JWK set: an RSA key takes seconds to make.
    ///
    /// # Errors
    /// The algorithm is not known, or no key can be made.
    pub fn jwk_set(self, algorithm: &str) -> Result<Value> {
        Ok(json!({"keys": [self.public(algorithm)?]}))
    }

    fn public(self, algorithm: &str) -> Result<Members> {
        let keys = self.keys();
        match algorithm {
            "ES256" => self.jwk(algorithm, &keys.es256.public_key().to_jwk()),
            "ES384" => self.jwk(algorithm, &keys.es384.public_key().to_jwk()),
            "EdDSA" => self.jwk(algorithm, &keys.ed25519.public_key().to_jwk()),
            _ => {
                let mut rsa = self.jwk(algorithm, &RS256KeyPair::from_der(keys.rsa()?)?.public_key().to_jwk())?;
                // One key for all six RSA algorithms.
                rsa.remove("alg");
                Ok(rsa)
            }
        }
    }

    fn jwk(self, algorithm: &str, exported: &str) -> Result<Members> {
        let mut jwk: Members = serde_json::from_str(exported)?;
        jwk.insert("kid".to_owned(), json!(self.kid(algorithm)?));
        Ok(jwk)
    }

    fn keys(self) -> &'static Keys {
        match self {
            Self::Main => &MAIN,
            Self::Next => &NEXT,
            Self::Stranger => &STRANGER,
        }
    }
}

impl Forgery {
    /// Every forgery, by its name in scenario files.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("alg_none", Self::AlgNone),
        ("changed_claims", Self::ChangedClaims),
        ("cut_signature", Self::CutSignature),
        ("flipped_signature", Self::FlippedSignature),
        ("embedded_key", Self::EmbeddedKey),
        ("four_parts", Self::FourParts),
        ("hmac_with_public_key", Self::HmacWithPublicKey),
        ("not_an_object", Self::NotAnObject),
        ("padded", Self::Padded),
        ("two_parts", Self::TwoParts),
    ];

    /// Makes the forgery of a token with these claims that `Main` would have signed.
    ///
    /// # Errors
    /// No key can be made.
    pub fn make(self, claims: &Members) -> Result<String> {
        let main = KeyRing::Main;
        let kid = main.kid("EdDSA")?;
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid});
        let good = main.sign("EdDSA", Some(&kid), claims)?;
        let (head, payload, signature) = parts(&good)?;
        Ok(match self {
            Self::AlgNone => format!("{}.{payload}.", encode_json(&json!({"alg": "none", "typ": "JWT"}))),
            Self::ChangedClaims => {
                let mut changed = claims.clone();
                changed.insert("admin".to_owned(), json!(true));
                format!("{head}.{}.{signature}", encode_json(&json!(changed)))
            }
            Self::CutSignature => format!("{head}.{payload}."),
            Self::FlippedSignature => {
                let mut bytes = Base64UrlSafeNoPadding::decode_to_vec(signature, None)?;
                if let Some(first) = bytes.first_mut() {
                    *first ^= 1;
                }
                format!("{head}.{payload}.{}", encode(&bytes))
            }
            Self::EmbeddedKey => {
                let stranger = KeyRing::Stranger;
                let jwk = stranger.jwk("EdDSA", &stranger.keys().ed25519.public_key().to_jwk())?;
                let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid, "jwk": jwk});
                stranger.sign_under(header.as_object().unwrap_or(&Members::new()), &json!(claims))
            }
            Self::FourParts => format!("{good}.{signature}"),
            Self::HmacWithPublicKey => {
                let public = RS256KeyPair::from_der(main.keys().rsa()?)?.public_key().to_pem()?;
                HS256Key::from_bytes(public.as_bytes()).with_key_id(&main.kid("RS256")?).authenticate(only(claims))?
            }
            Self::NotAnObject => main.sign_under(header.as_object().unwrap_or(&Members::new()), &json!("text")),
            Self::Padded => format!("{good}=="),
            Self::TwoParts => format!("{head}.{payload}"),
        })
    }
}

/// These claims and none that the library would add.
fn only(claims: &Members) -> JWTClaims<Members> {
    JWTClaims {
        issued_at: None,
        expires_at: None,
        invalid_before: None,
        issuer: None,
        subject: None,
        audiences: None,
        jwt_id: None,
        nonce: None,
        custom: claims.clone(),
    }
}

fn parts(token: &str) -> Result<(&str, &str, &str)> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature)) => Ok((header, payload, signature)),
        _ => bail!("a token has three parts"),
    }
}

fn encode_json(value: &Value) -> String {
    encode(value.to_string().as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    // Encoding into memory cannot fail.
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap_or_default()
}
