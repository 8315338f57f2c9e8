//! The vocabulary: every kind of fact that a check may speak of, its fields, their types and what they mean.

use crate::model::value::{Field, Kind, Scale, Tier, Type};

/// The versions of SSL and TLS, oldest first.
pub static TLS_VERSION: Scale = Scale {
    name: "TlsVersion",
    names: &["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
};

/// What a port came out as, least reachable first.
pub static PORT_STATE: Scale = Scale { name: "PortState", names: &["filtered", "closed", "open"] };

/// Every scale whose names may stand in a check.
pub static SCALES: [&Scale; 2] = [&TLS_VERSION, &PORT_STATE];

/// Every kind, hosts before their services before their sites.
///
/// A value that is not settled is unknown, with its reason, unless its meaning says otherwise; a text that is known to
/// be missing is empty.
pub fn vocabulary() -> Vec<Kind> {
    vec![host(), ports(), udp(), service(), tls(), certificate(), http()]
}

fn host() -> Kind {
    kind(
        "host",
        Tier::Host,
        "A host as the inventory declares it, and from where it is looked at.",
        [
            text("id", "Its name in the inventory."),
            text(
                "role",
                "What the inventory says it is: `firewall`, `web`, `database`; empty when it says nothing.",
            ),
            flag(
                "fragile",
                "Whether it gets connections only, because it may break when spoken to.",
            ),
            flag(
                "listed",
                "Whether the inventory lists it; otherwise it was found in a network that is searched.",
            ),
            flag(
                "personal_data",
                "Whether the system that it serves holds members' personal data.",
            ),
            flag(
                "from_internet",
                "Whether it is seen as any stranger sees it: the vantage is of the kind `internet`, or none is declared.",
            ),
            texts("names", "Its names in DNS, as declared."),
        ],
    )
}

fn ports() -> Kind {
    kind(
        "ports",
        Tier::Host,
        "What became of the TCP ports that were asked, over all addresses of a host.",
        [
            list(
                "open",
                Type::record(door()),
                "The doors that were seen open. On a host that answers on every port, only those where somebody spoke.",
            ),
            numbers(
                "settled",
                "The ports that came out open, closed or filtered at every address; at an address of which no port \
             answered at all, none did. A partial list unless all 65,535 were \
             asked and settled, so that asking whether a port is in it gives true or unknown.",
            ),
            record("v4", family(), "What was seen over IPv4."),
            record("v6", family(), "What was seen over IPv6."),
            flag(
                "answers_everything",
                "Whether some address accepts connections on so many ports, or on ports that nobody uses, that an \
             accepted connection proves nothing.",
            ),
        ],
    )
}

/// One open port of one address, in lists of them.
fn door() -> Vec<Field> {
    vec![
        text("at", "Address, port and transport: `192.0.2.7 5432/tcp`."),
        number("port", "The port."),
        text("address", "The address."),
        text("speaks", SPEAKS),
        flag("declared", "Whether the inventory declares the port on this host, to whomever."),
    ]
}

/// The ports of one address family.
fn family() -> Vec<Field> {
    vec![
        flag("asked", "Whether the host has an address of this family and its ports were asked."),
        numbers(
            "open",
            "The ports that are open at an address of this family; partial when not a single port there answered, be \
             it by a refusal, or when some stayed unsettled.",
        ),
        numbers(
            "shut",
            "The ports that were asked and came out closed or filtered; partial when some stayed unsettled.",
        ),
    ]
}

fn udp() -> Kind {
    kind(
        "udp",
        Tier::Host,
        "What answers over UDP on a host, of the ports that checks with a probe of their own ask; not tested where none does.",
        [numbers(
            "open",
            "The UDP ports that answered; partial, because a service may keep silent to a question that it does not know.",
        )],
    )
}

const SPEAKS: &str = "The protocol that it was recognised to speak: `ssh`, `ftp`, `smtp`, `pop3`, `imap`, `telnet`, \
     `vnc`, `mysql`, `rsync`, `http` (also inside TLS), else `tls` when it speaks TLS; empty when somebody \
     listened and it kept silent or said nothing that is recognised; unknown when nobody listened, or when the connection \
     ended without a word.";

fn service() -> Kind {
    let means = "A port of an address that is open, or that the inventory declares.";
    kind(
        "service",
        Tier::Service,
        means,
        [
            text("transport", "`tcp` or `udp`."),
            number("port", "The port."),
            text("address", "The address."),
            level(
                "state",
                &PORT_STATE,
                "What came of connecting to it; over UDP open when it answered a check's own probe, closed when the network said so, else unknown.",
            ),
            flag("declared", "Whether the inventory declares this port on this host, to whomever."),
            flag(
                "declared_here",
                "Whether it is declared for whoever stands where this vantage stands.",
            ),
            text(
                "declared_service",
                "What the inventory says is offered there: `https`; empty when it says nothing.",
            ),
            flag("need_given", "Whether the declaration says why the port must be open."),
            flag("approved", "Whether the declaration says who approved it."),
            flag(
                "review_set",
                "Whether the declaration says until when it is to be looked at again.",
            ),
            number(
                "review_days_left",
                "Whole days from the scan to the day of review; negative when it has passed, unknown when none is set.",
            ),
            text("speaks", SPEAKS),
            text(
                "greeting",
                "Its first line, said before anything was asked; empty when it kept silent.",
            ),
            text(
                "version_shown",
                "Product and version that the greeting gives away: `vsFTPd 3.0.3`; empty when it shows none. The version \
             of a protocol (`RFB 003.008`, `SSH-2.0`) is none.",
            ),
        ],
    )
}

fn tls() -> Kind {
    kind(
        "tls",
        Tier::Site,
        "What TLS handshakes with a service showed, for one server name.",
        [
            list(
                "versions",
                Type::Scale(&TLS_VERSION),
                "The versions that it accepts. Those below TLS 1.2 cannot be offered yet, so the list is partial, and asking \
             whether all of it is good gives false or unknown, never true.",
            ),
            flag(
                "accepts_tls13",
                "Whether it accepts TLS 1.3 (RFC 8446); false when it refused it by an alert.",
            ),
            text("suite", "The cipher suite agreed on at the highest version, by its IANA name."),
            text(
                "group",
                "The group of the key exchange agreed on at the highest version: `X25519`.",
            ),
            flag(
                "forward_secrecy",
                "Whether the key exchange at the highest version was ephemeral, of which TLS 1.3 knows no other. Unknown where \
             an ephemeral one was agreed on below TLS 1.3: suites without it cannot be offered yet, so the server had no choice.",
            ),
            text("alpn", "The protocol that was chosen by ALPN (RFC 7301); empty when none was."),
        ],
    )
}

fn certificate() -> Kind {
    let means = "The certificate that a service presents for one server name (RFC 5280).";
    kind(
        "certificate",
        Tier::Site,
        means,
        [
            text("subject", "Whom it is for, as it says itself."),
            text("issuer", "Who issued it, as it says itself."),
            texts("names", "The DNS names and addresses that it is valid for (subjectAltName)."),
            text(
                "name_asked",
                "The server name or address that was asked for; empty when there was none to ask for.",
            ),
            flag("name_matches", "Whether it is valid for the name asked for (RFC 9525)."),
            flag("self_signed", "Whether it is signed by its own key."),
            flag(
                "trusted",
                "Whether it leads to an authority in Mozilla's list or the inventory's `trust`, whatever its dates and \
             names say.",
            ),
            text("untrusted_because", "Why it is not trusted, in words; empty when it is."),
            flag(
                "chain_complete",
                "False when the certificates presented break off: they lead to no trusted authority, the last one is not \
             self-signed, and it says where its issuer's certificate can be fetched (RFC 5280 section 4.2.2.1).",
            ),
            moment("not_before", "When it begins to be valid."),
            moment("not_after", "When it ends."),
            flag("begun", "Whether it had begun to be valid when the scan began."),
            number(
                "days_left",
                "Whole days from the scan to its end; negative when it has expired.",
            ),
            number("lifetime_days", "Days from its beginning to its end."),
            text("key_kind", "`rsa`, `ec`, `ed25519`, `ed448`, `dsa`; unknown for any other."),
            number(
                "key_bits",
                "The size of the key: of the modulus for RSA, of the curve for the others.",
            ),
            text("signature", "The algorithm that it is signed with: `sha256WithRSAEncryption`."),
            text(
                "signature_hash",
                "The hash in that: `md5`, `sha1`, `sha256`; empty when the algorithm has none of its own.",
            ),
        ],
    )
}

fn http() -> Kind {
    let means =
        "The last answer that this very service gave, redirects within it followed (RFC 9110).";
    kind(
        "http",
        Tier::Site,
        means,
        [
            flag("encrypted", "Whether it was spoken inside TLS."),
            flag(
                "named",
                "Whether it was asked by a name; false where it was reached by its bare address, which is all that \
             visitors have where the inventory gives no name.",
            ),
            number("status", "The status code."),
            flag("is_page", "Whether it is a web page: a status from 200 to 299 and HTML."),
            text("location", "Where it sends visitors on to; empty when it does not."),
            flag("redirects_to_https", "Whether it sends visitors on to an `https:` address."),
            text("title", "The title of the page; empty when it has none."),
            text("server", "The `Server` field; empty when it is missing."),
            text(
                "version_disclosed",
                "The header fields that give a version away: `Apache/2.4.6 (CentOS) PHP/5.4.16`; empty when none does.",
            ),
            list("headers", Type::record(header()), "The header fields, in order."),
            record("hsts", hsts(), "Strict-Transport-Security (RFC 6797)."),
            text(
                "content_security_policy",
                "The enforced Content-Security-Policy; empty when there is none.",
            ),
            flag(
                "frame_protected",
                "Whether other sites are kept from framing it: X-Frame-Options of DENY or SAMEORIGIN (RFC 7034), or \
             `frame-ancestors` in the Content-Security-Policy.",
            ),
            flag("nosniff", "Whether X-Content-Type-Options is `nosniff`."),
            text("referrer_policy", "The Referrer-Policy; empty when there is none."),
            list("cookies", Type::record(cookie()), "The cookies that it sets (RFC 6265)."),
            flag(
                "directory_listing",
                "Whether it is the list of a folder's files that web servers make by themselves.",
            ),
            flag(
                "login_form",
                "Whether it has a field for a password; unknown when none was seen and the page was cut.",
            ),
            flag(
                "asks_password",
                "Whether it asks for a password by `WWW-Authenticate: Basic` (RFC 7617).",
            ),
        ],
    )
}

fn header() -> Vec<Field> {
    vec![text("name", "Its name, in lower case."), text("value", "Its value.")]
}

fn hsts() -> Vec<Field> {
    vec![
        flag("present", "Whether there is one with a valid `max-age`."),
        number("max_age", "For how many seconds it holds; 0 when there is none."),
        flag("include_subdomains", "Whether it holds for all names below."),
    ]
}

fn cookie() -> Vec<Field> {
    vec![
        text("name", "Its name."),
        flag("secure", "Whether it is sent over encrypted connections only."),
        flag("http_only", "Whether it is kept from scripts."),
        text("same_site", "`strict`, `lax` or `none`; empty when it does not say."),
    ]
}

fn kind(
    name: &'static str,
    tier: Tier,
    means: &'static str,
    fields: impl IntoIterator<Item = Field>,
) -> Kind {
    Kind::new(name, tier, means, fields)
}

fn field(name: &'static str, of: Type, means: &'static str) -> Field {
    Field::new(name, of, means)
}

fn flag(name: &'static str, means: &'static str) -> Field {
    field(name, Type::Bool, means)
}

fn number(name: &'static str, means: &'static str) -> Field {
    field(name, Type::Int, means)
}

fn text(name: &'static str, means: &'static str) -> Field {
    field(name, Type::Text, means)
}

fn moment(name: &'static str, means: &'static str) -> Field {
    field(name, Type::Moment, means)
}

fn level(name: &'static str, scale: &'static Scale, means: &'static str) -> Field {
    field(name, Type::Scale(scale), means)
}

fn texts(name: &'static str, means: &'static str) -> Field {
    list(name, Type::Text, means)
}

fn numbers(name: &'static str, means: &'static str) -> Field {
    list(name, Type::Int, means)
}

fn list(name: &'static str, of: Type, means: &'static str) -> Field {
    field(name, Type::list(of), means)
}

fn record(name: &'static str, fields: Vec<Field>, means: &'static str) -> Field {
    field(name, Type::record(fields), means)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `see` with the path and meaning of every field, those inside records and lists included.
    fn walk(path: &str, fields: &[Field], see: &mut dyn FnMut(&str, &str)) {
        let mut names: Vec<_> = fields.iter().map(|field| &field.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), fields.len(), "{path} has a field twice");
        for field in fields {
            let path = format!("{path}.{}", field.name);
            see(&path, &field.means);
            let mut of = &field.of;
            while let Type::List(inner) = of {
                of = inner;
            }
            if let Type::Record(inside) = of {
                walk(&path, inside, see);
            }
        }
    }

    #[test]
    fn every_word_is_unique_spelt_alike_and_explained() {
        let kinds = vocabulary();
        let mut names: Vec<_> = kinds.iter().map(|kind| &kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), kinds.len());
        for kind in &kinds {
            walk(&kind.name, &kind.fields, &mut |path, means| {
                let plain =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
                assert!(path.chars().all(plain), "{path} is not in snake_case");
                assert!(
                    means.ends_with('.') && !means.contains("  "),
                    "{path} is not explained in a sentence"
                );
            });
        }
    }

    #[test]
    fn hosts_come_before_their_services_before_their_sites() {
        assert!(vocabulary().is_sorted_by_key(|kind| kind.tier));
    }
}
