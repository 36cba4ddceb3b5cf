//! What a resource may hold, as data: attributes with their characteristics (RFC 7643, section 7).

mod discovery;
pub(crate) mod document;
mod enterprise;
mod group;
mod user;

pub(crate) use enterprise::ENTERPRISE_USER;
pub(crate) use group::GROUP;
pub(crate) use user::USER;

/// A schema: a URN and the attributes that it defines.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) attributes: &'static [Attribute],
}

/// Every schema that `/Schemas` tells of.
pub(crate) const SCHEMAS: &[&Schema] = &[
    &USER,
    &ENTERPRISE_USER,
    &GROUP,
    &discovery::SERVICE_PROVIDER_CONFIG,
    &discovery::RESOURCE_TYPE,
    &discovery::SCHEMA,
];

/// What is common to all resources (RFC 7643, 3.1); in no schema, and yet everywhere.
pub(crate) const COMMON: &[Attribute] = &[
    Attribute::text("id", "The directory's own name for the resource").exact().read_only().always(),
    Attribute::text("externalId", "The provider's own name for the resource").exact(),
    Attribute::reference("schemas", &["uri"], "The schemas that the resource follows")
        .many()
        .exact()
        .read_only()
        .always(),
    Attribute::complex(
        "meta",
        "What the directory knows of the resource",
        &[
            Attribute::text("resourceType", "The type of the resource").exact().read_only(),
            Attribute::new("created", Kind::DateTime, "When it was created").read_only(),
            Attribute::new("lastModified", Kind::DateTime, "When it was last changed").read_only(),
            Attribute::reference("location", &["uri"], "Where it is").read_only(),
            Attribute::text("version", "Its weak entity tag").exact().read_only(),
        ],
    )
    .read_only(),
];

/// An attribute or a sub-attribute, with its characteristics.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) multi_valued: bool,
    pub(crate) required: bool,
    pub(crate) case_exact: bool,
    pub(crate) mutability: Mutability,
    pub(crate) returned: Returned,
    pub(crate) uniqueness: Uniqueness,
    pub(crate) canonical_values: &'static [&'static str],
    pub(crate) reference_types: &'static [&'static str],
    pub(crate) description: &'static str,
    pub(crate) sub_attributes: &'static [Attribute],
}

/// The type of an attribute's values (RFC 7643, 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Binary,
    Boolean,
    Complex,
    DateTime,
    Integer,
    Reference,
    String,
}

/// Who may change an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutability {
    Immutable,
    ReadOnly,
    ReadWrite,
}

/// When an attribute is in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    Always,
    Default,
}

/// Among what a value may occur only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uniqueness {
    None,
    Server,
}

impl Schema {
    /// The attribute with this name, whatever its case (RFC 7643, 2.1).
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(self.attributes, name)
    }
}

impl Attribute {
    /// The sub-attribute with this name, whatever its case.
    pub(crate) fn sub_attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(self.sub_attributes, name)
    }

    /// Whether a request may set it.
    pub(crate) fn is_writable(&self) -> bool {
        self.mutability != Mutability::ReadOnly
    }

    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            description,
            sub_attributes: &[],
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::String, description)
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Boolean, description)
    }

    const fn reference(name: &'static str, types: &'static [&'static str], description: &'static str) -> Self {
        let mut attribute = Self::new(name, Kind::Reference, description);
        attribute.reference_types = types;
        // A URI is compared as it is (RFC 7643, 2.3.7).
        attribute.case_exact = true;
        attribute
    }

    const fn complex(name: &'static str, description: &'static str, sub_attributes: &'static [Attribute]) -> Self {
        let mut attribute = Self::new(name, Kind::Complex, description);
        attribute.sub_attributes = sub_attributes;
        attribute
    }

    const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical_values = values;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }
}

fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::{COMMON, Kind, SCHEMAS};

    #[test]
    fn names_are_told_apart_without_case_and_only_complex_attributes_have_parts() {
        for attributes in SCHEMAS.iter().map(|schema| schema.attributes).chain([COMMON]) {
            for (index, attribute) in attributes.iter().enumerate() {
                let twins = attributes.iter().filter(|other| other.name.eq_ignore_ascii_case(attribute.name)).count();
                assert_eq!(twins, 1, "{index} {}", attribute.name);
                assert_eq!(attribute.kind == Kind::Complex, !attribute.sub_attributes.is_empty(), "{}", attribute.name);
                assert!(!attribute.description.is_empty(), "{}", attribute.name);
            }
        }
    }
}
