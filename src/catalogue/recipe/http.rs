//! Requests for pages and what came of them.

/// A request for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The method.
    pub method: Method,
    /// The path and query, beginning with a slash.
    pub path: String,
    /// Header fields besides those that every request has.
    pub headers: Vec<(String, String)>,
    /// Whether redirects within the same site (scheme, host, port) are followed, at most [`Fetch::HOPS`] of them.
    pub follow: bool,
    /// How many bytes of the body are read.
    pub most: usize,
}

impl Fetch {
    /// How many redirects are followed at most.
    pub const HOPS: u32 = 3;
}

/// A method of HTTP (RFC 9110 section 9.3): those that are safe, and those that only an intrusive recipe may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// POST with an empty body.
    Post,
    /// TRACE
    Trace,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Head, Self::Options, Self::Post, Self::Trace];

    /// As it stands on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Trace => "TRACE",
        }
    }

    /// Whether it asks for nothing but an answer (RFC 9110 section 9.2.1), and never sends back what others sent.
    pub fn is_harmless(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was asked at last: `https://booking.example/login`.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// The text of the first `title` element.
    pub title: String,
    /// Header fields in order, names in lower case, secrets cut.
    pub headers: Vec<(String, String)>,
    /// The first bytes of the body, as text.
    pub body: String,
    /// Whether there was more of the body than was read.
    pub truncated: bool,
}

/// Too Many Requests (RFC 6585 section 4).
pub(super) const TOO_MANY: u16 = 429;

impl Page {
    /// Why this answer says nothing of the page that was asked for, if it does not: a rate limiter stands in front of it,
    /// or a gateway behind which nobody answers at the moment (RFC 9110 section 15.6). It may be there all the same, so
    /// that this must never pass for a page that is not.
    pub(super) fn withheld(&self) -> Option<String> {
        matches!(self.status, TOO_MANY | 502..=504)
            .then(|| format!("the site answered {}, which does not say what is there", self.status))
    }
}
