//! One request and its answer, by hyper over a bounded stream.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::LazyLock;

use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use regex::Regex;

use super::location::{Place, Scheme};
use crate::model::heard::Heard;
use crate::model::observation::Line;
use crate::model::saw::{Cut, HttpAnswer};
use crate::probe::tls::{Session, Shut, server_name, session};
use crate::probe::Errand;
use crate::talk::{Account, Bounded, Talk, Transcript, Unopened, Wire, secrets};

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 * 1024;
/// The most header fields.
const FIELDS: usize = 256;
/// As much of one header field is kept.
const FIELD: usize = 4096;

/// What is asked for, besides the place.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Wish {
    /// `GET`, or another method that changes nothing.
    pub(in crate::probe) method: Method,
    /// Header fields besides those that every request has.
    pub(in crate::probe) headers: Vec<(HeaderName, HeaderValue)>,
    /// As much of a body is read.
    pub(in crate::probe) read: usize,
    /// As much of it is kept.
    pub(in crate::probe) kept: usize,
}

impl Default for Wish {
    /// A page as a visitor asks for it, of which so much is kept that titles and listings can be told.
    fn default() -> Self {
        Self { method: Method::GET, headers: Vec::new(), read: 64 * 1024, kept: 4096 }
    }
}

/// What one visit brought.
pub(in crate::probe) struct Exchange {
    pub(in crate::probe) got: Got,
    pub(in crate::probe) lines: Vec<Line>,
}

/// What came back.
pub(in crate::probe) struct Got {
    /// The answer, if there was one.
    pub(in crate::probe) answer: Option<HttpAnswer>,
    /// Where it sends us.
    pub(in crate::probe) location: Option<String>,
    /// How it was cut.
    pub(in crate::probe) cut: Option<Cut>,
    /// Whether the peer speaks HTTP.
    pub(in crate::probe) speaks: Option<bool>,
}

impl Exchange {
    /// A visit that came to nothing.
    pub(super) fn cut(cut: Cut) -> Self {
        let got = Got { answer: None, location: None, cut: Some(cut), speaks: None };
        Self { got, lines: Vec::new() }
    }
}

/// Asks for the place over that talk, which leads to the address `to`.
pub(super) async fn exchange(
    talk: Talk,
    place: &Place,
    to: Option<IpAddr>,
    wish: &Wish,
    errand: &Errand<'_>,
) -> Result<Exchange, Unopened> {
    let asking = Asking { place, wish, agent: errand.agent };
    let (got, transcript) = match place.scheme {
        Scheme::Http => {
            let (stream, account, transcript) = talk.into_stream();
            (asking.request(stream, &account, &transcript).await?, transcript)
        }
        Scheme::Https => {
            let named = place.literal().is_none().then_some(place.host.as_str());
            match session(talk, server_name(named, to), &[b"http/1.1"]).await? {
                Ok(Session { stream, outer, transcript }) => {
                    let within = stream.account();
                    let mut got = asking.request(stream, &within, &transcript).await?;
                    // The outer stream knows better what happened to the network.
                    if got.cut == Some(Cut::Reset) {
                        got.cut = outer.cut().or(got.cut);
                    }
                    (got, transcript)
                }
                Err(Shut { cut, lines }) => return Ok(Exchange { lines, ..Exchange::cut(cut) }),
            }
        }
    };
    if let Some(cut) = &got.cut {
        transcript.wire(&format!("cut: {cut:?}"));
    }
    Ok(Exchange { got, lines: transcript.lines() })
}

/// What is asked for, where, and by whom.
struct Asking<'a> {
    place: &'a Place,
    wish: &'a Wish,
    agent: &'a str,
}

impl Asking<'_> {
    /// The request.
    fn head(&self) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
        let mut request = Request::builder()
            .method(&self.wish.method)
            .uri(&self.place.path)
            .header(header::HOST, self.place.authority())
            .header(header::USER_AGENT, self.agent)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONNECTION, "close");
        let own = |name| self.wish.headers.iter().any(|(known, _)| known == name);
        if !own(header::ACCEPT) {
            request = request.header(header::ACCEPT, "*/*");
        }
        for (name, value) in &self.wish.headers {
            request = request.header(name, value);
        }
        request.body(Empty::new())
    }

    /// The beginning of the request, for the transcript.
    fn words(&self) -> String {
        let (method, place) = (&self.wish.method, self.place);
        let mut words = format!("{method} {} HTTP/1.1\r\nHost: {}", place.path, place.authority());
        for (name, value) in &self.wish.headers {
            let _ = write!(words, "\r\n{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
        words
    }

    /// Sends the request and reads the answer.
    async fn request(
        &self,
        stream: Bounded<Box<dyn Wire>>,
        account: &Account,
        transcript: &Transcript,
    ) -> Result<Got, Unopened> {
    let Ok(request) = self.head() else {
        let what = format!("`{}` cannot be asked for", self.place.path);
        return Ok(Exchange::cut(Cut::Garbled { what }).got);
    };
    transcript.us(self.words().as_bytes());
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).max_headers(FIELDS);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|wrong| Unopened::Ours(wrong.to_string()))?;
    let answer = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let (body, whole) = read(body, self.wish.read).await;
        Ok::<_, hyper::Error>((Response::from_parts(head, body), whole))
    };
    let answer = match select(pin!(connection), pin!(answer)).await {
        Either::Left((_, answer)) => answer.await,
        Either::Right((answer, _)) => answer,
    };
    Ok(match answer {
        Ok((response, whole)) => self.answered(&response, whole, account, transcript),
        Err(wrong) => failed(&wrong, account),
    })
}

fn answered(
    &self,
    response: &Response<Vec<u8>>,
    whole: bool,
    account: &Account,
    transcript: &Transcript,
) -> Got {
    let status = response.status();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = response.headers().iter().map(|(name, value)| {
        let kept = secrets::cut_field(name.as_str(), &text(value));
        (Heard::from(name.as_str()), Heard::new(kept.raw().as_bytes(), FIELD))
    });
    let headers: Vec<_> = fields.collect();
    let mut said = format!("HTTP {}", status.as_u16());
    for (name, value) in &headers {
        let _ = write!(said, "\r\n{}: {}", name.raw(), value.raw());
    }
    transcript.them(said.as_bytes());
    let location = response.headers().get(header::LOCATION).map(text);
    let body = response.body();
    let most = self.wish.kept;
    let begin = String::from_utf8_lossy(body.get(..2 * most).unwrap_or(body)).into_owned();
    let kept = secrets::cut(&begin);
    let answer = HttpAnswer {
        url: super::heard(&self.place.url()),
        status: status.as_u16(),
        headers,
        title: title(&String::from_utf8_lossy(body)),
        body: Heard::new(kept.as_bytes(), most),
        truncated: !whole || body.len() > most,
    };
    let cut = (!whole && body.len() < self.wish.read).then(|| account.cut().unwrap_or(Cut::Closed));
    Got {
        answer: Some(answer),
        location: location.filter(|_| status.is_redirection()),
        cut,
        speaks: Some(true),
    }
}

}

/// Reads the beginning of a body, and says whether that was all of it.
async fn read(mut body: Incoming, most: usize) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while bytes.len() <= most {
        match body.frame().await {
            None => return (bytes, true),
            Some(Err(_)) => return (bytes, false),
            Some(Ok(frame)) => bytes.extend(frame.into_data().unwrap_or_default()),
        }
    }
    bytes.truncate(most);
    (bytes, false)
}

/// No answer: whether it is one in another tongue or none at all.
fn failed(wrong: &hyper::Error, account: &Account) -> Got {
    let first = account.first();
    let begins = first.get(..5).unwrap_or(&first);
    let speaks = match begins {
        b"" => None,
        some if b"HTTP/".starts_with(some) => None,
        _ => Some(false),
    };
    let cut = if wrong.is_parse() && wrong.to_string().contains("too large") {
        Cut::TooMuch
    } else if wrong.is_parse() || speaks == Some(false) {
        Cut::Garbled { what: "not an HTTP/1 answer".into() }
    } else {
        account.cut().unwrap_or(Cut::Closed)
    };
    Got { answer: None, location: None, cut: Some(cut), speaks }
}

/// The text of the first `title` element, in one line.
fn title(page: &str) -> Option<Heard> {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?is)<title(?:\s[^>]*)?>(.*?)</title").expect("the pattern is a literal")
    });
    let found = TITLE.captures(page)?;
    let words = found.get(1)?.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(words, |text, (name, sign)| text.replace(name, sign));
    Some(Heard::new(secrets::cut(&text).as_bytes(), 256))
}
