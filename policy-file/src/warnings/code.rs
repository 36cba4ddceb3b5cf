//! The code of each warning: one list, for the command, its JSON and the docs.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal),* $(,)?) => {
        /// What a warning is about. Codes are stable: scripts may look for them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum WarningCode {
            $($(#[$doc])* $variant),*
        }

        impl WarningCode {
            /// Every code, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that the command prints.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }
        }
    };
}

codes! {
    /// An access rule is never asked: a bypass passes before.
    AccessBypassed "access_bypassed",
    /// A bypass lets everybody pass to every path.
    BypassEverything "bypass_everything",
    /// A mapping never decides: whoever is in the group gets as much or more elsewhere.
    DeadMapping "dead_mapping",
    /// A group's value is a name for people, where the others are ids or paths.
    DisplayNameGroup "display_name_group",
    /// An email comes from a claim of which `email_verified` says nothing.
    EmailUnvouched "email_unvouched",
    /// A group stands in one list of mappings twice.
    GroupMappedTwice "group_mapped_twice",
    /// Keys come over plain http.
    InsecureJwks "insecure_jwks",
    /// An issuer is no URL.
    IssuerNoUrl "issuer_no_url",
    /// Mode `scim` without a directory.
    NoDirectory "no_directory",
    /// Nobody can have the top role.
    NoOwner "no_owner",
    /// Nobody, or nobody new, can come in.
    NobodyCanEnter "nobody_can_enter",
    /// A rule is for a path at which the organization does not answer.
    PathOutsidePrefix "path_outside_prefix",
    /// Another organization answers at some of an organization's addresses.
    ShadowedHost "shadowed_host",
    /// White space around what is compared to the letter.
    StraySpace "stray_space",
    /// A tier has no seats, and something gives or asks for it, or `caps` left it out.
    TierWithoutSeats "tier_without_seats",
    /// No group gives the top role: the primary owner alone has it.
    TopRoleUnmapped "top_role_unmapped",
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
