//! Every reason for a denial: the one list that replies, logs, metrics, scenarios and docs use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The words of every reason in another language; one that lacks a reason does not compile.
macro_rules! translated {
    ($($variant:ident $title:literal $detail:literal;)*) => {
        /// What is told about a reason.
        pub(super) const fn words(reason: super::Reason) -> super::Words {
            match reason {
                $(super::Reason::$variant => super::Words { title: $title, detail: $detail },)*
            }
        }
    };
}

mod de;
mod es;
mod fr;
mod ja;
mod language;

pub use language::{Frame, Language, Words};

macro_rules! reasons {
    ($($variant:ident $code:literal $status:literal $title:literal $detail:literal;)*) => {
        /// Why a request was denied. The order is the precedence of design §2: of several that apply, the first is answered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(
                #[doc = $title]
                #[serde(rename = $code)]
                $variant,
            )*
        }

        impl Reason {
            /// Every reason, in order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable code: `reason` in replies, logs, metrics and scenarios.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The HTTP status of the denial (design §4).
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// A short title for the person who is denied.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// What the person can do next; never names groups, other members or keys.
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail),* }
            }
        }
    };
}

reasons! {
    AmbiguousRequest "ambiguous_request" 400 "Ambiguous request"
        "This address or these credentials can be read in more than one way. Open the page again from its start, or ask your administrator.";
    UnknownOrganization "unknown_organization" 404 "Nothing here"
        "No organization is served under this address. Check the address for a typing mistake.";
    NoCredentials "no_credentials" 401 "Please sign in"
        "You are not signed in. Sign in through your company's single sign-on and try again.";
    MalformedToken "malformed_token" 401 "Sign-in not readable"
        "Your sign-in could not be read. Sign out, sign in again, and try once more.";
    UnknownIssuer "unknown_issuer" 401 "Sign-in provider not known here"
        "You signed in with a provider that this organization does not use. Sign in with your company's provider.";
    UnsupportedAlgorithm "unsupported_algorithm" 401 "Sign-in not accepted"
        "Your sign-in is signed in a way that is not accepted here. Ask your administrator to check the provider's signing algorithm.";
    KeysUnavailable "keys_unavailable" 503 "Sign-in cannot be checked right now"
        "Your company's sign-in provider cannot be reached to check your sign-in. Try again in a moment.";
    UnknownKey "unknown_key" 401 "Sign-in not accepted"
        "Your sign-in was made with a key that is no longer valid. Sign in again.";
    BadSignature "bad_signature" 401 "Sign-in not accepted"
        "Your sign-in could not be verified. Sign in again.";
    WrongAudience "wrong_audience" 401 "Sign-in meant for another application"
        "Your sign-in was made for another application. Sign in to this one.";
    Expired "expired" 401 "Sign-in expired"
        "Your sign-in has expired. Sign in again.";
    NotYetValid "not_yet_valid" 401 "Sign-in not valid yet"
        "Your sign-in is not valid yet. Check the clock of your device, or try again in a minute.";
    MissingClaim "missing_claim" 403 "Sign-in incomplete"
        "Your sign-in provider did not send all that is needed. Ask your administrator to check what the provider sends to this application.";
    EmailNotVerified "email_not_verified" 403 "Email not verified"
        "Your sign-in provider has not verified your email address. Verify it there and sign in again.";
    DomainNotVerified "domain_not_verified" 403 "Email domain not accepted"
        "Your email address does not belong to a domain of this organization. Sign in with your company's address.";
    NotAssigned "not_assigned" 403 "Not assigned to this application"
        "You are not assigned to this application at your sign-in provider. Ask your administrator to assign you.";
    GroupsOverage "groups_overage" 403 "Too many groups"
        "Your sign-in provider did not send your groups because there are too many. Ask your administrator to send only the groups of this application.";
    StoreUnavailable "store_unavailable" 503 "Membership cannot be checked right now"
        "Your membership cannot be checked at this moment. Try again shortly.";
    Replayed "replayed" 401 "Sign-in already used"
        "This sign-in was used before. Sign in again.";
    IdentityConflict "identity_conflict" 403 "Account already linked"
        "Your email address is linked to another sign-in here. Ask your administrator to unlink it.";
    MemberSuspended "member_suspended" 403 "Membership suspended"
        "Your membership is suspended. Ask your administrator.";
    SessionRevoked "session_revoked" 401 "Signed out"
        "Your session was ended. Sign in again.";
    NotAMember "not_a_member" 403 "Not a member"
        "You are not a member of this organization. Ask your administrator to add you.";
    NotProvisioned "not_provisioned" 403 "Not set up yet"
        "Your company's directory has not set you up for this application. Ask your administrator.";
    NoMappedGroup "no_mapped_group" 403 "No access for your groups"
        "None of your groups gives access to this organization. Ask your administrator.";
    NoSeatAvailable "no_seat_available" 403 "No seat available"
        "All seats are taken. You are on the list: ask your administrator for a seat, then try again.";
    SeatUnassigned "seat_unassigned" 403 "No seat assigned"
        "You are a member but have no seat yet. Ask your administrator to assign you one.";
    RoleNotAllowed "role_not_allowed" 403 "Not allowed for your role"
        "Your role does not give access to this page. Ask your administrator if you need it.";
    SeatTierNotAllowed "seat_tier_not_allowed" 403 "Not part of your seat"
        "Your seat tier does not include this page. Ask your administrator if you need it.";
}

impl Reason {
    /// The reason with this code, if there is one.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// The `www-authenticate` value that a 401 carries (RFC 6750, 3): no error code where no credential was sent.
    pub const fn challenge(self) -> Option<&'static str> {
        match (self.status(), self) {
            (401, Self::NoCredentials) => Some("Bearer"),
            (401, _) => Some("Bearer error=\"invalid_token\""),
            _ => None,
        }
    }

    /// The `retry-after` value in seconds that a 503 carries.
    pub const fn retry_after(self) -> Option<&'static str> {
        match self.status() {
            503 => Some("5"),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    /// The table of design §4, written out a second time.
    const TABLE: &[(u16, &[&str])] = &[
        (400, &["ambiguous_request"]),
        (
            401,
            &[
                "no_credentials",
                "malformed_token",
                "unknown_issuer",
                "unsupported_algorithm",
                "unknown_key",
                "bad_signature",
                "wrong_audience",
                "expired",
                "not_yet_valid",
                "replayed",
                "session_revoked",
            ],
        ),
        (
            403,
            &[
                "missing_claim",
                "groups_overage",
                "email_not_verified",
                "domain_not_verified",
                "not_assigned",
                "identity_conflict",
                "member_suspended",
                "not_a_member",
                "not_provisioned",
                "no_mapped_group",
                "no_seat_available",
                "seat_unassigned",
                "role_not_allowed",
                "seat_tier_not_allowed",
            ],
        ),
        (404, &["unknown_organization"]),
        (503, &["store_unavailable", "keys_unavailable"]),
    ];

    #[test]
    fn every_reason_has_the_status_of_the_table() {
        let listed: usize = TABLE.iter().map(|(_, codes)| codes.len()).sum();
        assert_eq!(listed, Reason::ALL.len());
        for (status, codes) in TABLE {
            for code in *codes {
                let reason = Reason::from_code(code).unwrap_or_else(|| panic!("`{code}` is no reason"));
                assert_eq!(reason.status(), *status, "{code}");
                assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{code}\""));
                assert_eq!(reason.to_string(), *code);
            }
        }
    }

    #[test]
    fn a_challenge_comes_with_401_and_retry_after_with_503() {
        for reason in Reason::ALL {
            assert_eq!(reason.challenge().is_some(), reason.status() == 401, "{reason}");
            assert_eq!(reason.retry_after().is_some(), reason.status() == 503, "{reason}");
        }
        assert_eq!(Reason::NoCredentials.challenge(), Some("Bearer"));
        assert_eq!(Reason::Expired.challenge(), Some("Bearer error=\"invalid_token\""));
    }

    #[test]
    fn words_are_whole_sentences_without_markup() {
        for reason in Reason::ALL {
            assert!(reason.detail().ends_with('.'), "{reason}");
            assert!(!reason.detail().contains(['<', '>', '&', '"']), "{reason}");
        }
    }
}
