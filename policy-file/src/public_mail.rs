//! Mail domains where anybody can have an address; no customer can own one.

/// Whether anybody can have an address there; the domain is lowercased.
pub(super) fn is_public(domain: &str) -> bool {
    if PROVIDERS.contains(&domain) {
        return true;
    }
    let Some((name, rest)) = domain.split_once('.') else {
        return false;
    };
    FAMILIES.contains(&name) && is_country_or_generic(rest)
}

/// `com`, `de`, `co.uk`, `com.br`: not the rest of somebody's own subdomain.
fn is_country_or_generic(rest: &str) -> bool {
    match rest.split_once('.') {
        None => true,
        Some((second, country)) => matches!(second, "co" | "com" | "ne" | "net" | "org") && country.len() == 2,
    }
}

/// Providers that are there under many top-level domains.
const FAMILIES: &[&str] = &["gmx", "hotmail", "live", "outlook", "rocketmail", "yahoo", "yandex", "ymail"];

const PROVIDERS: &[&str] = &[
    "126.com",
    "139.com",
    "163.com",
    "188.com",
    "aim.com",
    "alice.it",
    "aol.com",
    "aol.de",
    "att.net",
    "bellsouth.net",
    "bk.ru",
    "bluewin.ch",
    "bt.com",
    "btinternet.com",
    "comcast.net",
    "cox.net",
    "daum.net",
    "disroot.org",
    "duck.com",
    "earthlink.net",
    "email.com",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "googlemail.com",
    "hanmail.net",
    "hey.com",
    "hushmail.com",
    "icloud.com",
    "inbox.ru",
    "internode.on.net",
    "interia.pl",
    "juno.com",
    "laposte.net",
    "libero.it",
    "list.ru",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailbox.org",
    "mailinator.com",
    "me.com",
    "msn.com",
    "naver.com",
    "o2.pl",
    "orange.fr",
    "passport.com",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "riseup.net",
    "sbcglobal.net",
    "seznam.cz",
    "sfr.fr",
    "sina.cn",
    "sina.com",
    "sohu.com",
    "t-online.de",
    "tiscali.it",
    "tuta.com",
    "tuta.io",
    "tutamail.com",
    "tutanota.com",
    "tutanota.de",
    "uol.com.br",
    "verizon.net",
    "vip.qq.com",
    "virgilio.it",
    "wanadoo.fr",
    "web.de",
    "windowslive.com",
    "wp.pl",
    "ya.ru",
    "yeah.net",
    "zoho.com",
    "zohomail.com",
];

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn public_mail_domains_are_known_and_others_are_not() {
        for public in
            ["gmail.com", "gmx.de", "gmx.net", "yahoo.co.uk", "hotmail.fr", "outlook.com.br", "qq.com", "web.de"]
        {
            assert!(is_public(public), "{public}");
        }
        for own in [
            "acme.example",
            "live.acme.com",
            "mail.acme.com",
            "yahoo",
            "gmail.com.acme.example",
            "outlook.acme.co.uk",
            "live.acme.de",
            "live.co.acme",
        ] {
            assert!(!is_public(own), "{own}");
        }
    }
}
