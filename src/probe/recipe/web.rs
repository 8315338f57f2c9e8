//! Recipes over HTTP: each request over a connection of its own, redirects only within the site.

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};

use super::{Begun, Going, came_to_nothing, ending, foreign};
use crate::catalogue::recipe::{Ending, Fetch, Method as Asked, Page, Run, Turn};
use crate::model::saw::HttpAnswer;
use crate::probe::http::{Exchange, Got, Wish, first, visit};
use crate::talk::Unopened;

/// Asks for every page that is wanted.
pub(super) async fn visit_all(going: &mut Going<'_>, run: &mut Run) -> Result<(), Unopened> {
    let mut begun = Begun::No;
    loop {
        let fetch = match going.turn(run) {
            Turn::Fetch(fetch) => fetch,
            Turn::End => return Ok(()),
            _ => return Err(foreign()),
        };
        match page(going, &fetch).await {
            Ok(page) => {
                begun = Begun::Yes;
                run.fetched(page.as_ref().map_err(|end| *end));
            }
            // What the peer did stands in the page; this is ours.
            Err(why) => came_to_nothing(run, why, begun)?,
        }
    }
}

/// Asks for one page, and follows it within the site if that is wanted.
async fn page(going: &mut Going<'_>, fetch: &Fetch) -> Result<Result<Page, Ending>, Unopened> {
    let wish = wish(fetch)?;
    let mut place = first(going.errand).at_path(&fetch.path);
    let mut hops = if fetch.follow { Fetch::HOPS } else { 0 };
    loop {
        let Exchange { got: Got { answer, location, cut, .. }, lines } =
            visit(going.errand, &place, &wish).await?;
        going.lines.extend(lines);
        let Some(answer) = answer else {
            return Ok(Err(cut.as_ref().map_or(Ending::Closed, ending)));
        };
        let next = location.and_then(|location| place.join(&location).ok());
        match next.filter(|next| hops > 0 && next.is_beside(&place)) {
            Some(next) => {
                hops -= 1;
                place = next;
            }
            None => return Ok(Ok(read(&answer))),
        }
    }
}

/// The request as it is put.
fn wish(fetch: &Fetch) -> Result<Wish, Unopened> {
    let ours = |wrong: String| Unopened::Ours(wrong);
    let mut headers = Vec::new();
    for (name, value) in &fetch.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|wrong| ours(wrong.to_string()))?;
        let value =
            HeaderValue::try_from(value.as_str()).map_err(|wrong| ours(wrong.to_string()))?;
        headers.push((name, value));
    }
    let method = match fetch.method {
        Asked::Get => Method::GET,
        Asked::Head => Method::HEAD,
        Asked::Options => Method::OPTIONS,
        Asked::Post => Method::POST,
        Asked::Trace => Method::TRACE,
    };
    Ok(Wish { method, headers, read: fetch.most, kept: fetch.most })
}

/// An answer as recipes speak of it.
fn read(answer: &HttpAnswer) -> Page {
    let fields = answer.headers.iter();
    Page {
        url: answer.url.raw().to_owned(),
        status: answer.status,
        title: answer.title.as_ref().map_or("", |title| title.raw().trim()).to_owned(),
        headers: fields.map(|(name, value)| (name.raw().into(), value.raw().into())).collect(),
        body: answer.body.raw().to_owned(),
        truncated: answer.truncated,
    }
}
