//! Where a request goes, and where a `Location` field leads from there (RFC 9110 section 10.2.2, RFC 3986 section 5).

use std::fmt;
use std::net::IpAddr;

/// With or without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// A place that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) struct Place {
    /// How.
    pub(super) scheme: Scheme,
    /// A name in lower case, or an address; IPv6 in brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// Path and query.
    pub(in crate::probe) path: String,
}

impl Place {
    /// As a URL, the port only where it is not the usual one.
    pub(in crate::probe) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }

    /// What stands in the Host field.
    pub(super) fn authority(&self) -> String {
        match self.port {
            port if port == self.scheme.port() => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// The address, when the host is one.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Another path and query of the same site.
    pub(in crate::probe) fn at_path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// Whether another place is of the same site: same scheme, host and port.
    pub(in crate::probe) fn is_beside(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// Where a `Location` leads from here.
    ///
    /// # Errors
    /// In words, why it leads nowhere that we go.
    pub(in crate::probe) fn join(&self, location: &str) -> Result<Self, String> {
        let location = location.trim().split('#').next().unwrap_or("");
        if location.len() > 8 * 1024 || location.bytes().any(|byte| byte <= b' ' || byte == 127) {
            return Err("it is not a URL".into());
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::at(self.scheme, rest);
        }
        let scheme_end = location.find(':').filter(|end| {
            let scheme = location.get(..*end).unwrap_or("");
            !scheme.is_empty() && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+')
        });
        let Some(end) = scheme_end else { return Ok(self.beside(location)) };
        let (scheme, rest) = location.split_at(end);
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("{other} is not HTTP")),
        };
        let rest = rest.strip_prefix("://").ok_or("it is not a URL")?;
        Self::at(scheme, rest)
    }

    /// The place that `authority/path?query` names.
    fn at(scheme: Scheme, rest: &str) -> Result<Self, String> {
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err("it carries credentials".into());
        }
        let wrong = || format!("`{authority}` is no host");
        let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority.get(after_bracket..).and_then(|rest| rest.rfind(':')) {
            Some(at) => authority.split_at(after_bracket + at),
            None => (authority, ""),
        };
        let port = match port.strip_prefix(':').unwrap_or("") {
            "" => scheme.port(),
            digits => digits.parse().map_err(|_| wrong())?,
        };
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
        let named = host.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_".contains(&c));
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let v6 = bracketed.and_then(|inner| inner.parse::<std::net::Ipv6Addr>().ok());
        if host.is_empty() || port == 0 || !(named || v6.is_some()) {
            return Err(wrong());
        }
        let host = v6.map_or(host, |address| host_of(address.into()));
        let path = match path.chars().next() {
            Some('/') => path.to_owned(),
            _ => format!("/{path}"),
        };
        Ok(Self { scheme, host, port, path })
    }

    /// The place of a relative reference: another path, or another query.
    fn beside(&self, reference: &str) -> Self {
        let base = self.path.split('?').next().unwrap_or("/");
        let path = match reference.chars().next() {
            None => self.path.clone(),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{base}{reference}"),
            Some(_) => {
                let folder = base.rfind('/').map_or("/", |at| base.get(..=at).unwrap_or("/"));
                format!("{folder}{reference}")
            }
        };
        Self { path: without_dots(&path), ..self.clone() }
    }
}

/// An address as the host of a URL.
pub(super) fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// A path without `.` and `..` (RFC 3986 section 5.2.4); the query is left alone.
fn without_dots(path: &str) -> String {
    let (path, query) = match path.find('?') {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if parts.peek().is_none() {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_where_browsers_go() {
        let from = Place {
            scheme: Scheme::Http,
            host: "web.example".into(),
            port: 8080,
            path: "/a/b?c".into(),
        };
        let cases = [
            ("/login", Ok("http://web.example:8080/login")),
            ("login?x=1#top", Ok("http://web.example:8080/a/login?x=1")),
            ("../up/./here/..", Ok("http://web.example:8080/up/")),
            ("?only", Ok("http://web.example:8080/a/b?only")),
            ("", Ok("http://web.example:8080/a/b?c")),
            ("https://web.example/", Ok("https://web.example/")),
            ("HTTPS://WEB.Example.", Ok("https://web.example/")),
            ("//other.example/x", Ok("http://other.example/x")),
            ("http://[2001:DB8::1]:81?q", Ok("http://[2001:db8::1]:81/?q")),
            ("http://192.0.2.1:80", Ok("http://192.0.2.1/")),
            ("file:///etc/passwd", Err("file is not HTTP")),
            ("gopher://x/", Err("gopher is not HTTP")),
            ("javascript:alert(1)", Err("javascript is not HTTP")),
            ("http://user:pw@web.example/", Err("it carries credentials")),
            ("http://", Err("`` is no host")),
            ("http://a:99999/", Err("`a:99999` is no host")),
            ("http://a b/", Err("it is not a URL")),
            ("http://a\r\nX: y/", Err("it is not a URL")),
            ("http://[::1%25eth0]/", Err("`[::1%25eth0]` is no host")),
        ];
        for (location, leads) in cases {
            let led = from.join(location).map(|place| place.url());
            assert_eq!(led, leads.map(String::from).map_err(String::from), "{location}");
        }
    }
}
