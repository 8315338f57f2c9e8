//! Facts of the kind `http`: the last answer that a web service gave itself, redirects within it followed.
//!
//! Where a service sends visitors on to another place (another scheme, host or port), its facts are about the answer that
//! sends them: what that other place says is its own site's matter. So a plain site that only leads to its encrypted
//! twin is no page, and not blamed for missing what pages should have. Cookies are those of all its answers, since
//! sessions begin with the first.

use std::sync::Arc;

use super::ground::Ground;
use super::rows::{Found, Lot, Row, Sheet, Tools, over_sites, unreadable};
use super::seen::Gap;
use super::sweep::cut_in_words;
use super::voice::hung_up;
use super::web::{self, Fields};
use crate::model::outcome::Why;
use crate::model::saw::{HttpAnswer, HttpSaw, TlsSaw};
use crate::model::value::{Kind, List, Value};

/// From the `http` probe's answers.
pub(super) const ROW: Row =
    Row { name: "http", revision: 2, needs: &["http"], uses: &[], yields: "http", derive };

/// How many header fields and cookies are kept.
const FIELDS: usize = 100;

fn derive(ground: &Ground<'_>, kind: &Kind, _: &mut Tools) -> Lot {
    let mut found = Vec::new();
    let mut gaps = Vec::new();
    for (spot, sight) in ground.seen.lasts("http") {
        let Some(saw) = sight.read::<HttpSaw>() else {
            gaps.push(unreadable(ground, spot));
            continue;
        };
        match (saw.speaks, own(&saw)) {
            (Some(false), _) => {}
            (Some(true), own) if !own.is_empty() => {
                found.push(Found::at(spot, record(&saw, &own, kind), vec![sight.seq]));
            }
            _ if hung_up(spot, &[saw.cut.as_ref()]) => {}
            _ => {
                let why = saw.cut.as_ref().map_or("no clear answer".to_owned(), cut_in_words);
                let place = ground.words(spot);
                gaps.push(Gap::inconclusive(format!(
                    "HTTP at {place} did not become clear: {why}"
                )));
            }
        }
    }
    gaps.extend(locked(ground));
    let none = format!("no service on {} speaks HTTP", ground.host.id);
    over_sites(ground, "http", found, gaps, &none)
}

/// Services that speak TLS and with which no handshake succeeded: what is inside nobody saw.
fn locked(ground: &Ground<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (spot, sight) in ground.seen.lasts("tls") {
        let saw = sight.read::<TlsSaw>();
        let locked = saw.is_some_and(|saw| {
            saw.speaks == Some(true) && saw.tried.iter().all(|tried| tried.agreed.is_none())
        });
        if locked && ground.seen.last("http", spot).is_none() {
            let place = ground.words(spot);
            let why = format!("what {place} says inside TLS was not seen: no handshake succeeded");
            gaps.push(Gap::inconclusive(why));
        }
    }
    gaps
}

/// The answers that came from the service itself, before it sent us elsewhere.
fn own(saw: &HttpSaw) -> Vec<&HttpAnswer> {
    let first = saw.answers.first().map(|answer| web::origin(answer.url.raw()));
    saw.answers.iter().take_while(|answer| Some(web::origin(answer.url.raw())) == first).collect()
}

fn record(saw: &HttpSaw, own: &[&HttpAnswer], kind: &Kind) -> Arc<[Value]> {
    let mut sheet = Sheet::new(kind);
    let Some(answer) = own.last() else { return sheet.done() };
    let fields = Fields::of(answer);
    let encrypted = web::is_https(answer.url.raw());
    let location = if (300..400).contains(&answer.status) { fields.first("location") } else { "" };
    sheet
        .flag("encrypted", encrypted)
        .flag("named", web::is_named(answer.url.raw()))
        .number("status", i64::from(answer.status))
        .flag("is_page", is_page(answer, &fields))
        .text("location", location)
        .flag("redirects_to_https", leads_to_https(saw, own, location))
        .text("title", &web::cut(answer.title.as_ref().map_or("", |title| title.raw().trim())))
        .text("server", fields.first("server"))
        .text("version_disclosed", &web::version_disclosed(&fields))
        .set("headers", headers(answer, kind))
        .set("hsts", hsts(&fields, Sheet::inside(kind, "hsts")));
    policies(&mut sheet, &fields);
    sheet
        .set("cookies", cookies(own, kind))
        .flag("directory_listing", web::is_listing(answer))
        .set("login_form", login_form(answer))
        .flag("asks_password", fields.all("www-authenticate").any(web::asks_basic));
    sheet.done()
}

fn is_page(answer: &HttpAnswer, fields: &Fields<'_>) -> bool {
    let kind = fields.first("content-type").to_ascii_lowercase();
    let body = || answer.body.raw().trim_start().to_ascii_lowercase();
    let html = match kind.as_str() {
        "" => body().starts_with("<!doctype html") || body().starts_with("<html"),
        kind => kind.starts_with("text/html") || kind.starts_with("application/xhtml"),
    };
    html && (200..300).contains(&answer.status)
}

/// Whether the answer itself leads to `https:`, or the way that begins with it ends there.
fn leads_to_https(saw: &HttpSaw, own: &[&HttpAnswer], location: &str) -> bool {
    let left = saw.answers.len() > own.len();
    let end = saw.answers.last().filter(|_| left).map(|answer| answer.url.raw());
    let refused = saw.not_followed.as_ref().map(|(to, _)| to.raw());
    web::is_https(location) || [end, refused].into_iter().flatten().any(web::is_https)
}

fn headers(answer: &HttpAnswer, kind: &Kind) -> Value {
    let fields = answer.headers.iter().take(FIELDS).map(|(name, value)| {
        let mut sheet = Sheet::inside(kind, "headers");
        sheet
            .text("name", &web::cut(&name.raw().to_ascii_lowercase()))
            .text("value", &web::cut(value.raw()));
        Value::Record(sheet.done())
    });
    let unseen = cut_list(answer.headers.len(), "header fields");
    Value::List(List { items: fields.collect(), unseen })
}

fn cut_list(total: usize, what: &str) -> Option<Why> {
    (total > FIELDS)
        .then(|| Why::new(format!("only the first {FIELDS} of {total} {what} are kept")))
}

fn hsts(fields: &Fields<'_>, mut sheet: Sheet<'_>) -> Value {
    let policy = web::hsts(fields.first("strict-transport-security"));
    sheet
        .flag("present", policy.is_some())
        .number("max_age", policy.as_ref().map_or(0, |policy| policy.max_age))
        .flag("include_subdomains", policy.is_some_and(|policy| policy.include_subdomains));
    Value::Record(sheet.done())
}

fn policies(sheet: &mut Sheet<'_>, fields: &Fields<'_>) {
    let csp = fields.joined("content-security-policy");
    sheet
        .flag("frame_protected", web::is_frame_protected(&csp, &fields.joined("x-frame-options")))
        .flag("nosniff", web::is_nosniff(&fields.joined("x-content-type-options")))
        .text("referrer_policy", &web::cut(&fields.joined("referrer-policy")))
        .text("content_security_policy", &web::cut(&csp));
}

/// The cookies of all of the service's answers; a later one replaces an earlier one of the same name.
fn cookies(own: &[&HttpAnswer], kind: &Kind) -> Value {
    let mut cookies: Vec<web::Cookie> = Vec::new();
    let mut total = 0;
    for answer in own {
        for text in Fields::of(answer).all("set-cookie") {
            total += 1;
            let Some(cookie) = web::cookie(text).filter(|_| total <= FIELDS) else { continue };
            cookies.retain(|known| known.name != cookie.name);
            if !cookie.deletes {
                cookies.push(cookie);
            }
        }
    }
    let values = cookies.iter().map(|cookie| {
        let mut sheet = Sheet::inside(kind, "cookies");
        sheet
            .text("name", &cookie.name)
            .flag("secure", cookie.secure)
            .flag("http_only", cookie.http_only)
            .text("same_site", cookie.same_site);
        Value::Record(sheet.done())
    });
    Value::List(List { items: values.collect(), unseen: cut_list(total, "cookies") })
}

fn login_form(answer: &HttpAnswer) -> Value {
    match (web::has_password_field(answer.body.raw()), answer.truncated) {
        (true, _) => Value::Bool(true),
        (false, false) => Value::Bool(false),
        (false, true) => Value::unknown("only the beginning of the page was read"),
    }
}
