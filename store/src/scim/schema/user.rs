//! The core schema of a User (RFC 7643, 4.1 and 8.7.1). There is no `password`: it is ignored wherever it is sent.

use super::{Attribute, Kind, Schema};

/// The core User.
pub(crate) const USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::text("userName", "The name by which the provider knows the user").required().unique(),
        Attribute::complex(
            "name",
            "The components of the user's name",
            &[
                Attribute::text("formatted", "The whole name, for display"),
                Attribute::text("familyName", "The family name"),
                Attribute::text("givenName", "The given name"),
                Attribute::text("middleName", "The middle names"),
                Attribute::text("honorificPrefix", "The title before the name"),
                Attribute::text("honorificSuffix", "The suffix after the name"),
            ],
        ),
        Attribute::text("displayName", "The name that is shown to people"),
        Attribute::text("nickName", "The casual name"),
        Attribute::reference("profileUrl", &["external"], "The user's page"),
        Attribute::text("title", "The user's title, as in `Vice President`"),
        Attribute::text("userType", "The relation to the organization, as in `Contractor`"),
        Attribute::text("preferredLanguage", "The preferred language, as in `en-US`"),
        Attribute::text("locale", "The locale for dates and numbers, as in `en-US`"),
        Attribute::text("timezone", "The time zone, as in `America/Los_Angeles`"),
        Attribute::boolean("active", "Whether the user may be a member anywhere"),
        Attribute::complex(
            "emails",
            "Email addresses",
            &[
                Attribute::text("value", "The address"),
                Attribute::text("display", "How it is shown"),
                Attribute::text("type", "What it is for").canonical(&["work", "home", "other"]),
                PRIMARY,
            ],
        )
        .many(),
        Attribute::complex(
            "phoneNumbers",
            "Phone numbers",
            &[
                Attribute::text("value", "The number"),
                Attribute::text("display", "How it is shown"),
                Attribute::text("type", "What it is for")
                    .canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
                PRIMARY,
            ],
        )
        .many(),
        Attribute::complex(
            "ims",
            "Instant messaging addresses",
            &[
                Attribute::text("value", "The address"),
                Attribute::text("display", "How it is shown"),
                Attribute::text("type", "The service")
                    .canonical(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
                PRIMARY,
            ],
        )
        .many(),
        Attribute::complex(
            "photos",
            "Pictures of the user",
            &[
                Attribute::reference("value", &["external"], "Where the picture is"),
                Attribute::text("display", "How it is called"),
                Attribute::text("type", "What it is for").canonical(&["photo", "thumbnail"]),
                PRIMARY,
            ],
        )
        .many(),
        Attribute::complex(
            "addresses",
            "Postal addresses",
            &[
                Attribute::text("formatted", "The whole address, for display"),
                Attribute::text("streetAddress", "Street and number"),
                Attribute::text("locality", "The city"),
                Attribute::text("region", "The state or region"),
                Attribute::text("postalCode", "The postal code"),
                Attribute::text("country", "The country"),
                Attribute::text("type", "What it is for").canonical(&["work", "home", "other"]),
                PRIMARY,
            ],
        )
        .many(),
        Attribute::complex(
            "groups",
            "The groups that the user is in",
            &[
                Attribute::text("value", "The group's id").exact().read_only(),
                Attribute::reference("$ref", &["Group"], "Where the group is").read_only(),
                Attribute::text("display", "The group's name").read_only(),
                Attribute::text("type", "How the user is in it").canonical(&["direct"]).read_only(),
            ],
        )
        .many()
        .read_only(),
        Attribute::complex("entitlements", "What the user is entitled to", LABELLED).many(),
        Attribute::complex("roles", "The user's roles, as the provider calls them", LABELLED).many(),
        Attribute::complex(
            "x509Certificates",
            "Certificates of the user",
            &[
                Attribute::new("value", Kind::Binary, "The certificate, DER in base64").exact(),
                Attribute::text("display", "How it is shown"),
                Attribute::text("type", "What it is for"),
                PRIMARY,
            ],
        )
        .many(),
    ],
};

const PRIMARY: Attribute = Attribute::boolean("primary", "Whether it is the preferred one; at most one is");

const LABELLED: &[Attribute] = &[
    Attribute::text("value", "The value"),
    Attribute::text("display", "How it is shown"),
    Attribute::text("type", "What it is for"),
    PRIMARY,
];
