//! How web answers are read: addresses, header fields, policies, cookies and the telling parts of a page.

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::saw::HttpAnswer;

/// How many characters of a text from a page or a header field are kept.
const CHARACTERS: usize = 1024;

/// The header fields of an answer, found by name whatever its case (RFC 9110 section 5.1).
pub(super) struct Fields<'a>(&'a HttpAnswer);

impl<'a> Fields<'a> {
    /// Those of that answer.
    pub(super) fn of(answer: &'a HttpAnswer) -> Self {
        Self(answer)
    }

    /// Every value of a field, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = |(known, value): &'a (_, crate::model::heard::Heard)| {
            let known: &crate::model::heard::Heard = known;
            known.raw().eq_ignore_ascii_case(name).then(|| value.raw().trim())
        };
        self.0.headers.iter().filter_map(named).collect::<Vec<_>>().into_iter()
    }

    /// The first value of a field; empty when it is missing.
    pub(super) fn first(&self, name: &str) -> &'a str {
        self.all(name).next().unwrap_or("")
    }

    /// All values of a field as one list (RFC 9110 section 5.3).
    pub(super) fn joined(&self, name: &str) -> String {
        self.all(name).collect::<Vec<_>>().join(", ")
    }
}

/// As much of a text as is kept.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}

/// Scheme, host and port of an address, with the scheme's own port filled in (RFC 6454 section 4).
pub(super) fn origin(url: &str) -> (String, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("").to_ascii_lowercase();
    let authority = authority.rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, port),
        _ => (authority, if scheme == "https" { "443" } else { "80" }),
    };
    (scheme.clone(), host.to_owned(), port.to_owned())
}

/// Whether an address has a name for its host: neither an IPv4 nor an IPv6 address (RFC 3986 section 3.2.2).
pub(super) fn is_named(url: &str) -> bool {
    let (_, host, _) = origin(url);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    !bare.is_empty() && bare.parse::<IpAddr>().is_err()
}

/// Whether an address is of the scheme `https`.
pub(super) fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// A Strict-Transport-Security policy.
pub(super) struct Hsts {
    /// Seconds.
    pub(super) max_age: i64,
    /// Whether it holds for names below.
    pub(super) include_subdomains: bool,
}

/// Reads a policy (RFC 6797 section 6.1); none when there is no valid `max-age`, or when a directive stands twice.
pub(super) fn hsts(text: &str) -> Option<Hsts> {
    let mut max_age = None;
    let mut include_subdomains = false;
    for directive in text.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "max-age" if max_age.is_some() => return None,
            "max-age" => max_age = Some(seconds(value)?),
            "includesubdomains" if include_subdomains => return None,
            "includesubdomains" => include_subdomains = true,
            _ => {}
        }
    }
    Some(Hsts { max_age: max_age?, include_subdomains })
}

/// A number of seconds, perhaps in quotes; more than fits is as good as for ever.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.trim().trim_matches('"');
    let numeric = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    numeric.then(|| digits.parse().unwrap_or(i64::MAX))
}

/// Whether other sites are kept from framing a page. Browsers that know `frame-ancestors` do not look at
/// X-Frame-Options beside it (CSP level 2 section 7.7.1).
pub(super) fn is_frame_protected(csp: &str, options: &str) -> bool {
    let policies = csp.split(',').flat_map(|policy| policy.split(';'));
    let ancestors: Vec<Vec<String>> = policies
        .map(|directive| directive.split_ascii_whitespace().map(str::to_ascii_lowercase).collect())
        .filter(|words: &Vec<String>| words.first().is_some_and(|name| name == "frame-ancestors"))
        .collect();
    if !ancestors.is_empty() {
        // All policies hold together, so one that closes is enough.
        let anybody = |source: &String| matches!(source.as_str(), "*" | "http:" | "https:");
        return ancestors.iter().any(|words| !words.iter().any(anybody));
    }
    let mut options = options.split(',').map(str::trim).filter(|word| !word.is_empty()).peekable();
    let closes =
        |word: &str| word.eq_ignore_ascii_case("deny") || word.eq_ignore_ascii_case("sameorigin");
    options.peek().is_some() && options.all(closes)
}

/// Whether the first value is `nosniff` (WHATWG Fetch, section on X-Content-Type-Options).
pub(super) fn is_nosniff(options: &str) -> bool {
    options.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("nosniff"))
}

/// A cookie as a server sets it.
pub(super) struct Cookie {
    pub(super) name: String,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// `strict`, `lax`, `none`, or empty.
    pub(super) same_site: &'static str,
    /// Whether it is set only to be gone at once.
    pub(super) deletes: bool,
}

/// Reads a Set-Cookie field (RFC 6265 section 5.2); none when it has no name.
pub(super) fn cookie(text: &str) -> Option<Cookie> {
    let mut parts = text.split(';');
    let (name, _) = parts.next()?.split_once('=')?;
    let name: String = name.trim().chars().take(200).collect();
    if name.is_empty() {
        return None;
    }
    let mut cookie =
        Cookie { name, secure: false, http_only: false, same_site: "", deletes: false };
    for attribute in parts {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim().to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => {
                let known = ["strict", "lax", "none"].into_iter().find(|known| *known == value);
                cookie.same_site = known.unwrap_or("");
            }
            "max-age" => cookie.deletes |= value == "0" || value.starts_with('-'),
            "expires" => cookie.deletes |= value.contains("1970"),
            _ => {}
        }
    }
    Some(cookie)
}

/// Whether a WWW-Authenticate field offers the scheme `Basic`.
pub(super) fn asks_basic(challenge: &str) -> bool {
    let mut words = challenge.split([',', ' ']);
    words.any(|word| word.eq_ignore_ascii_case("basic"))
}

/// The parts of header fields that give a version away, in order.
pub(super) fn version_disclosed(fields: &Fields<'_>) -> String {
    const TELLING: [&str; 6] = [
        "server",
        "x-powered-by",
        "x-aspnet-version",
        "x-aspnetmvc-version",
        "x-generator",
        "x-runtime-version",
    ];
    static VERSION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[0-9]\.[0-9]|/v?[0-9]").expect("the pattern is tested"));
    let values = TELLING.iter().flat_map(|name| fields.all(name));
    cut(&values.filter(|value| VERSION.is_match(value)).collect::<Vec<_>>().join(" "))
}

/// Whether a page is the list of a folder's files that a web server makes by itself.
pub(super) fn is_listing(answer: &HttpAnswer) -> bool {
    const TITLES: [&str; 4] =
        ["index of /", "directory listing for /", "directory listing of /", "directory: /"];
    let title = answer.title.as_ref().map_or("", |title| title.raw()).trim().to_ascii_lowercase();
    let titled = TITLES.iter().any(|start| title.starts_with(start));
    (200..300).contains(&answer.status)
        && (titled || answer.body.raw().contains("[To Parent Directory]"))
}

/// Whether a page has a field for a password.
pub(crate) fn has_password_field(body: &str) -> bool {
    static FIELD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?is)<input\b[^>]*\btype\s*=\s*["']?password\b"#)
            .expect("the pattern is tested")
    });
    FIELD.is_match(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_their_ports_filled_in() {
        let same = |a, b| origin(a) == origin(b);
        assert!(same("https://a.example/", "HTTPS://A.example:443/login?x=1"));
        assert!(same("http://[2001:db8::1]/", "http://[2001:db8::1]:80/a"));
        assert!(!same("http://a.example/", "https://a.example/"));
        assert!(!same("http://a.example/", "http://a.example:8080/"));
        assert!(!same("http://a.example@evil.example/", "http://a.example/"));
    }

    #[test]
    fn strict_transport_security() {
        let read = |text| hsts(text).map(|policy| (policy.max_age, policy.include_subdomains));
        assert_eq!(read("max-age=63072000; includeSubDomains; preload"), Some((63_072_000, true)));
        assert_eq!(read("Max-Age = \"10\""), Some((10, false)));
        assert_eq!(read("max-age=99999999999999999999"), Some((i64::MAX, false)));
        for wrong in ["", "includeSubDomains", "max-age=", "max-age=-1", "max-age=1;max-age=2"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn framing() {
        let cases = [
            ("", "", false),
            ("", "DENY", true),
            ("", "sameorigin", true),
            ("", "ALLOW-FROM https://a.example", false),
            ("", "DENY, ALLOWALL", false),
            ("default-src 'self'; frame-ancestors 'none'", "", true),
            ("frame-ancestors *", "DENY", false),
            ("frame-ancestors *, frame-ancestors 'self'", "", true),
            ("default-src 'none'", "", false),
        ];
        for (csp, options, protected) in cases {
            assert_eq!(is_frame_protected(csp, options), protected, "{csp} | {options}");
        }
    }

    #[test]
    fn cookies_and_their_attributes() {
        let read = cookie("sid=; Path=/; Secure;HttpOnly ; SameSite=Lax").expect("a cookie");
        assert_eq!((read.name.as_str(), read.secure, read.http_only), ("sid", true, true));
        assert_eq!((read.same_site, read.deletes), ("lax", false));
        assert!(cookie("a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT").is_some_and(|c| c.deletes));
        assert!(cookie("a=b; Max-Age=0").is_some_and(|c| c.deletes));
        assert!(cookie("=x").is_none() && cookie("nothing").is_none() && cookie("").is_none());
    }

    #[test]
    fn fields_for_passwords() {
        assert!(has_password_field("<INPUT name=x\n type = 'Password'>"));
        assert!(!has_password_field("<input type=text> password <p type=password>"));
    }
}
