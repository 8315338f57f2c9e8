//! Cuts what nobody should find in a book: values of cookies, credentials, tokens, and what else a peer should have kept.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::heard::Heard;

/// What stands in place of a secret.
const CUT: &str = "[cut]";

/// `Cookie: a=1; b=2` and `Set-Cookie: a=1; Path=/`
static COOKIES: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?im)^(set-cookie|cookie)(:[ \t]*)(.*)$"));
/// Fields that carry nothing but a credential.
static FIELDS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?im)^(authorization|proxy-authorization|x-api-key|x-auth-token|x-csrf-token)(:[ \t]*)([^\r\n]+)",
    )
});
/// `token=…`, `"password": "…"`, `;jsessionid=…`, `APP_KEY=…`
static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b([a-z_-]*(?:token|session[_-]?id|sess(?:ion)?id|sid|password|passwd|secret|(?:api|app|access|secret|private|encryption)[_-]?key|nonce|csrf))",
        r#"(["']?\s*[=:]\s*["']?)([^\s"'&;<>,]+)"#
    ))
});
/// `<input name="csrf_token" value="…">`
static FORMS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)((?:name|id)=["']?[^"'\s>]*(?:token|csrf|nonce|secret|viewstate)[^"'\s>]*["']?[^<>]*?(?:value|content)=)(["'])([^"']*)"#,
    )
});
/// `mysql://booking:…@db.example/members` (RFC 3986 section 3.2.1)
static USERINFO: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:)[^\s/@"'<>]+@"#));
/// What is stored in place of passwords, which can be guessed from it: `$apr1$…`, `{SHA}…`
static HASHES: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(\$(?:apr1|2[abxy]|5|6|y)\$|\{SSHA\}|\{SHA\})[^\s:"'<>]+"#));
/// A JSON Web Token (RFC 7519).
static JWT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a literal that the tests compile")
}

/// The text without its secrets. Names stay, so that one sees what was there.
pub fn cut(text: &str) -> String {
    let text = COOKIES.replace_all(text, |found: &Captures<'_>| {
        format!("{}{}{}", &found[1], &found[2], cut_cookie(&found[3]))
    });
    let text = FIELDS.replace_all(&text, format!("$1$2{CUT}").as_str());
    let text = FORMS.replace_all(&text, format!("$1$2{CUT}").as_str());
    let text = PAIRS.replace_all(&text, format!("$1$2{CUT}").as_str());
    let text = USERINFO.replace_all(&text, format!("$1{CUT}@").as_str());
    let text = HASHES.replace_all(&text, format!("$1{CUT}").as_str());
    JWT.replace_all(&text, CUT).into_owned()
}

/// The value of a header field without its secrets; the field's name stands in lower case.
pub fn cut_field(name: &str, value: &str) -> Heard {
    let safe = match name {
        "set-cookie" | "cookie" => cut_cookie(value),
        "authorization" | "proxy-authorization" | "x-api-key" | "x-auth-token" | "x-csrf-token" => {
            CUT.to_owned()
        }
        _ => cut(value),
    };
    Heard::from(safe.as_str())
}

/// A cookie without its value: `sid=abc; Path=/; Secure` becomes `sid=[cut]; Path=/; Secure`.
fn cut_cookie(cookie: &str) -> String {
    let attribute = |name: &str| {
        let known = ["path", "domain", "expires", "max-age", "samesite", "priority"];
        known.iter().any(|word| name.trim().eq_ignore_ascii_case(word))
    };
    let parts = cookie.split(';').enumerate().map(|(at, part)| match part.split_once('=') {
        Some((name, _)) if at == 0 || !attribute(name) => format!("{name}={CUT}"),
        None if at == 0 && !part.trim().is_empty() => CUT.to_owned(),
        _ => part.to_owned(),
    });
    let mut safe = parts.collect::<Vec<_>>().join(";");
    if cookie.ends_with('\r') && !safe.ends_with('\r') {
        safe.push('\r');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_values_go() {
        let cases = [
            (
                "Set-Cookie: sid=abc123; Path=/; Secure\r\n",
                "Set-Cookie: sid=[cut]; Path=/; Secure\r\n",
            ),
            ("cookie: a=1; b=2\r\n", "cookie: a=[cut]; b=[cut]\r\n"),
            ("Set-Cookie: naked\r\n", "Set-Cookie: [cut]\r\n"),
            ("Authorization: Basic dXNlcjpw\r\nHost: x", "Authorization: [cut]\r\nHost: x"),
            ("/login?next=/&access_token=s3cret#top", "/login?next=/&access_token=[cut]"),
            ("/a;jsessionid=0A1B?x=1", "/a;jsessionid=[cut]"),
            (r#"{"password": "hunter2", "user": "x"}"#, r#"{"password": "[cut]", "user": "x"}"#),
            (
                r#"<input name="csrf_token" value="8f3a">"#,
                r#"<input name="csrf_token" value="[cut]">"#,
            ),
            ("APP_KEY=base64:3q2+7w==\nAPP_ENV=production", "APP_KEY=[cut]\nAPP_ENV=production"),
            (
                "DATABASE_URL=mysql://booking:hunter2@192.0.2.20/members",
                "DATABASE_URL=mysql://booking:[cut]@192.0.2.20/members",
            ),
            ("http://192.0.2.10:80/a@b", "http://192.0.2.10:80/a@b"),
            ("admin:$apr1$3Yq7dkzB$1xk/:x", "admin:$apr1$[cut]:x"),
            ("desk:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", "desk:{SHA}[cut]"),
            ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_ end", "id [cut] end"),
            (
                "220 ftp.example ready (vsFTPd 3.0.3)\r\n",
                "220 ftp.example ready (vsFTPd 3.0.3)\r\n",
            ),
            ("Server: nginx/1.18.0\r\n", "Server: nginx/1.18.0\r\n"),
        ];
        for (text, safe) in cases {
            assert_eq!(cut(text), safe);
            assert_eq!(cut(&cut(text)), safe, "twice");
        }
    }

    #[test]
    fn header_fields() {
        let safe = |name, value| cut_field(name, value).raw().to_owned();
        assert_eq!(
            safe("set-cookie", "id=1=2; HttpOnly; SameSite=Lax"),
            "id=[cut]; HttpOnly; SameSite=Lax"
        );
        assert_eq!(safe("server", "Apache/2.4.6 (CentOS)"), "Apache/2.4.6 (CentOS)");
        assert_eq!(safe("location", "https://x.example/?sid=77"), "https://x.example/?sid=[cut]");
    }
}
