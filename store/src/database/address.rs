//! The address of a database: which kind it is, and how it may be told without its password.

/// Where the memberships are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Postgres(String),
    Sqlite(String),
}

impl Address {
    /// Tells the kind by the scheme; `None` is of neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')?.0 {
            "postgres" | "postgresql" => Some(Self::Postgres(text.to_owned())),
            "sqlite" => Some(Self::Sqlite(text.to_owned())),
            _ => None,
        }
    }

    /// The address for people: of PostgreSQL only host and database, whatever else is in it.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Postgres(address) => {
                let rest = address.split_once("://").map_or("", |(_, rest)| rest);
                // What stands before the last `@` is a user and a password, however badly they are escaped.
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                let end = rest.find(['?', '&', '#']).unwrap_or(rest.len());
                format!("postgres://{}", rest.get(..end).unwrap_or_default())
            }
            Self::Sqlite(address) => address.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn the_scheme_tells_the_kind() {
        assert!(matches!(Address::parse("sqlite://usher.db"), Some(Address::Sqlite(_))));
        assert!(matches!(Address::parse("postgres://db/usher"), Some(Address::Postgres(_))));
        assert!(matches!(Address::parse("postgresql://db/usher"), Some(Address::Postgres(_))));
        for text in ["", "usher.db", "mysql://db/usher", "Postgres://db", "postgres"] {
            assert!(Address::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_password_is_told_however_it_is_written() {
        for (address, told) in [
            ("postgres://db/usher", "postgres://db/usher"),
            ("postgres://usher:sesame@db:5432/usher", "postgres://db:5432/usher"),
            ("postgresql://usher:sesame@db/usher?sslmode=require", "postgres://db/usher"),
            ("postgres://usher:se@same@db/usher", "postgres://db/usher"),
            ("postgres://usher:se/sa?me@db/usher", "postgres://db/usher"),
            ("postgres://db/usher?user=usher&password=sesame", "postgres://db/usher"),
            ("postgres://db/usher?user=a@b&password=sesame", "postgres://b"),
            ("postgres:sesame", "postgres://"),
        ] {
            let told_now = Address::parse(address).unwrap().told();
            assert_eq!(told_now, told, "{address}");
            assert!(!told_now.contains("sesame"));
        }
    }
}
