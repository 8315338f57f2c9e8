//! What is said to a UDP port: the first words of a client of the service that is usual there, written from its standard.
//!
//! Each letter only asks. It tries no password, changes nothing, begins nothing that the other side would have to keep (a
//! half-open IKE or OpenVPN session, which both forget within a minute, is the most), and is answered by little.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A letter, and to which ports it goes.
#[derive(Debug)]
pub struct Letter {
    /// The ports.
    pub ports: &'static [u16],
    /// What is usual there.
    pub service: &'static str,
    /// What is asked; for one that cannot be asked, why it keeps silent.
    pub asks: &'static str,
    /// The standard.
    pub source: &'static str,
    says: Says,
    /// Whether the answer comes from another port, so that only the socket tells whose it is.
    pub answered_from_elsewhere: bool,
}

/// The words of a letter.
#[derive(Debug)]
enum Says {
    /// As text.
    Text(&'static str),
    /// In hexadecimal; `41x30` is that byte thirty times.
    Hex(&'static str),
    /// Nothing that would be answered: it gets what every other port gets.
    Nothing,
}

/// What is said where nothing better is known: RFC 862, 864, 865, 867 and 868 are answered whatever it is.
pub const ANY: &[u8] = b"\r\n";

/// A first message that proposes what is common, with a value of group 5, which is old: a responder that prefers another
/// group names it, and keeps nothing.
macro_rules! ike {
    () => {
        "\
    706f737465726e21 00x8 21 20 22 08 00000000 00000154 \
    22 00 005c 00 00 0058 01 01 00 09 \
    03 00 000c 01 00 000c 800e0080 03 00 000c 01 00 000c 800e0100 \
    03 00 0008 02 00 0005 03 00 0008 02 00 0002 \
    03 00 0008 03 00 000c 03 00 0008 03 00 0002 \
    03 00 0008 04 00 000e 03 00 0008 04 00 0013 00 00 0008 04 00 0005 \
    28 00 00c8 0005 0000 50x192 \
    00 00 0014 706f737465726e2d61736b732d6e6f77"
    };
}

const fn letter(
    ports: &'static [u16],
    service: &'static str,
    asks: &'static str,
    source: &'static str,
    says: Says,
) -> Letter {
    Letter { ports, service, asks, source, says, answered_from_elsewhere: false }
}

/// Every letter, in the order of the ports.
pub static LETTERS: &[Letter] = &[
    letter(&[7, 13, 17, 19, 37], "echo, daytime, quote, chargen, time", "an empty line", "RFC 862, 864, 865, 867, 868", Says::Text("\r\n")),
    letter(
        &[53],
        "DNS",
        "who is responsible for the root, without recursion",
        "RFC 1035 section 4.1",
        Says::Hex("5073 0000 0001 0000 0000 0000 00 0006 0001"),
    ),
    letter(&[67], "DHCP", "nothing: it answers to port 68 only", "RFC 2131 section 4.1", Says::Nothing),
    Letter {
        answered_from_elsewhere: true,
        ..letter(
            &[69],
            "TFTP",
            "a file that nobody has",
            "RFC 1350 section 4",
            Says::Hex("0001 706f737465726e2d61736b732d666f722d6e6f2d66696c65 00 6f63746574 00"),
        )
    },
    letter(
        &[88],
        "Kerberos",
        "for a ticket in a realm that does not exist, for nobody",
        "RFC 4120 section 5.4.1",
        Says::Hex(
            "6a 67 30 65 a1 03 020105 a2 03 02010a a4 59 30 57 \
             a0 07 0305 00 00000000 a2 09 1b07 494e56414c4944 \
             a3 1c 30 1a a0 03 020102 a1 13 30 11 1b06 6b7262746774 1b07 494e56414c4944 \
             a5 11 180f 31393730303130313030303030305a a7 06 0204 50737472 a8 08 30 06 020112 020111",
        ),
    ),
    letter(
        &[111],
        "port mapper",
        "whether it is there (the null procedure)",
        "RFC 1833 section 3, RFC 5531 section 9",
        Says::Hex("706f7374 00000000 00000002 000186a0 00000002 00000000 00000000x4"),
    ),
    letter(
        &[123],
        "NTP",
        "for the time",
        "RFC 5905 section 7.3",
        Says::Hex("23 00 06 ec 00x36 e0000000 50737472"),
    ),
    letter(
        &[137],
        "NetBIOS names",
        "for the names of the node",
        "RFC 1002 section 4.2.17",
        Says::Hex("5073 0000 0001 0000 0000 0000 20 434b 41x30 00 0021 0001"),
    ),
    letter(
        &[161],
        "SNMP",
        "for the name of its engine (version 3); an agent that speaks the older versions only keeps silent, since a \
         community name is a password",
        "RFC 3414 section 4",
        Says::Hex(
            "30 3a 020103 30 0f 02025073 020300ffe3 040104 020103 \
             04 10 30 0e 0400 020100 020100 0400 0400 0400 \
             30 12 0400 0400 a0 0c 02025073 020100 020100 3000",
        ),
    ),
    letter(
        &[177],
        "XDMCP",
        "whether it would manage a display",
        "X Display Manager Control Protocol 1.1, Query",
        Says::Hex("0001 0002 0001 00"),
    ),
    letter(
        &[389],
        "LDAP without connection",
        "for one attribute of the root",
        "RFC 4511 section 4.5.1, MS-ADTS section 6.3.3",
        Says::Hex(
            "30 3b 020101 63 36 0400 0a0100 0a0100 020101 020105 010100 \
             87 0b 6f626a656374436c617373 30 16 04 14 737570706f727465644c44415056657273696f6e",
        ),
    ),
    letter(&[443, 853, 8443], "QUIC", "which versions it speaks", "RFC 9000 sections 6 and 14.1", QUIC),
    letter(
        &[500],
        "IKE",
        "for a key exchange by the one group that its value does not fit best",
        "RFC 7296 sections 1.2 and 1.3",
        Says::Hex(ike!()),
    ),
    letter(&[514], "syslog", "nothing: it only takes in", "RFC 5426 section 3", Says::Nothing),
    letter(
        &[623],
        "IPMI",
        "whether it is there (presence ping)",
        "DSP0136 section 3.2.4.3",
        Says::Hex("06 00 ff 06 000011be 80 00 00 00"),
    ),
    letter(
        &[1194],
        "OpenVPN",
        "for a session; where it wants a key for that already it keeps silent",
        "OpenVPN wire protocol, P_CONTROL_HARD_RESET_CLIENT_V2",
        Says::Hex("38 706f737465726e21 00 00000000"),
    ),
    letter(
        &[1434],
        "SQL Server browser",
        "nothing: what it would answer may be long",
        "MC-SQLR section 2.2",
        Says::Nothing,
    ),
    letter(
        &[1701],
        "L2TP",
        "nothing: every message that is answered begins a tunnel",
        "RFC 2661 section 5.1",
        Says::Nothing,
    ),
    letter(
        &[1812, 1813],
        "RADIUS",
        "nothing: who does not know the secret is not answered",
        "RFC 2865 section 3, RFC 5997",
        Says::Nothing,
    ),
    letter(
        &[1900],
        "UPnP",
        "which root device it is",
        "UPnP Device Architecture 2.0 section 1.3.2",
        Says::Text(
            "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n",
        ),
    ),
    letter(
        &[2049],
        "NFS",
        "whether it is there (the null procedure)",
        "RFC 1813 section 3.3.0",
        Says::Hex("706f7374 00000000 00000002 000186a3 00000003 00000000 00000000x4"),
    ),
    letter(
        &[3391, 4433, 5349, 5684],
        "DTLS",
        "for a handshake; the answer is a cookie, and nothing is kept",
        "RFC 6347 section 4.2.1",
        Says::Hex(
            "16 feff 0000 000000000000 005a 01 00004e 0000 000000 00004e fefd 50x32 00 00 \
             0008 c02bc02fc02cc030 0100 001c 000a 0006 0004 0017001d 000b 0002 0100 000d 0008 0006 040308040401",
        ),
    ),
    letter(
        &[3478, 3479],
        "STUN",
        "from which address we come",
        "RFC 8489 section 5",
        Says::Hex("0001 0000 2112a442 706f737465726e2d73747564"),
    ),
    letter(
        &[4500],
        "IKE through NAT",
        "the same as at port 500",
        "RFC 3948 section 2.2",
        Says::Hex(concat!("00000000 ", ike!())),
    ),
    letter(
        &[4569],
        "IAX",
        "whether it is there (poke)",
        "RFC 5456 section 6.7.1",
        Says::Hex("8001 0000 00000000 00 00 06 1e"),
    ),
    letter(
        &[5060],
        "SIP",
        "what it can do, and to ask nobody else (no hops)",
        "RFC 3261 section 11",
        Says::Text(
            "OPTIONS sip:postern@invalid SIP/2.0\r\nVia: SIP/2.0/UDP postern.invalid;branch=z9hG4bKpostern;rport\r\n\
             Max-Forwards: 0\r\nFrom: <sip:postern@invalid>;tag=postern\r\nTo: <sip:postern@invalid>\r\n\
             Call-ID: postern@invalid\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    letter(
        &[5351],
        "NAT-PMP and PCP",
        "for the outer address",
        "RFC 6886 section 3.2",
        Says::Hex("00 00"),
    ),
    letter(
        &[5353],
        "mDNS",
        "which kinds of services there are",
        "RFC 6762 section 6.7, RFC 6763 section 9",
        Says::Hex(
            "5073 0000 0001 0000 0000 0000 09 5f7365727669636573 07 5f646e732d7364 04 5f756470 05 6c6f63616c 00 000c 0001",
        ),
    ),
    letter(
        &[5355],
        "LLMNR",
        "nothing: it answers to its own name only",
        "RFC 4795 section 2.4",
        Says::Nothing,
    ),
    letter(
        &[5683],
        "CoAP",
        "whether it is there (ping)",
        "RFC 7252 section 4.3",
        Says::Hex("40 00 5073"),
    ),
    letter(
        &[11_211],
        "memcached",
        "for its version",
        "memcached protocol.txt, UDP protocol",
        Says::Hex("5073 0000 0001 0000 76657273696f6e0d0a"),
    ),
    letter(
        &[47_808],
        "BACnet",
        "nothing: what it steers is not to be spoken to without need",
        "ASHRAE 135 annex J",
        Says::Nothing,
    ),
    letter(
        &[51_820],
        "WireGuard",
        "nothing: who does not know its key is not answered",
        "WireGuard: Next Generation Kernel Network Tunnel, section 5.3",
        Says::Nothing,
    ),
];

/// A packet of a version that does not exist, as long as a first one has to be.
const QUIC: Says = Says::Hex("c0 1a2a3a4a 08 706f737465726e2d 08 706f737465726e2e 00x1177");

impl Letter {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match self.says {
            Says::Text(text) => text.as_bytes().to_vec(),
            Says::Hex(text) => bytes(text).unwrap_or_default(),
            Says::Nothing => ANY.to_vec(),
        }
    }

    /// Whether a service that is there answers it.
    pub fn is_answered(&self) -> bool {
        !matches!(self.says, Says::Nothing)
    }
}

/// The bytes of hexadecimal words; a word may say how many times it stands there.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        let (word, times) = word.split_once('x').unwrap_or((word, "1"));
        let digits: Option<Vec<u8>> = word
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
            .collect();
        all.extend(digits?.repeat(times.parse().ok()?));
    }
    Some(all)
}

static BY_PORT: LazyLock<BTreeMap<u16, (Vec<u8>, bool)>> = LazyLock::new(|| {
    let of = |letter: &'static Letter| {
        let said = (letter.bytes(), letter.answered_from_elsewhere);
        letter.ports.iter().map(move |port| (*port, said.clone()))
    };
    LETTERS.iter().flat_map(of).collect()
});

/// What is said to a port, and whether the answer comes from another one.
pub fn to(port: u16) -> (&'static [u8], bool) {
    BY_PORT.get(&port).map_or((ANY, false), |(bytes, elsewhere)| (bytes, *elsewhere))
}

/// The ports for which there is a letter, in rising order.
pub fn ports() -> Vec<u16> {
    BY_PORT.keys().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(port: u16) -> Vec<u8> {
        to(port).0.to_vec()
    }

    /// A big-endian number in a letter.
    fn number(of: &[u8], from: usize, many: usize) -> usize {
        of.iter().skip(from).take(many).fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    }

    #[test]
    fn each_is_readable_small_and_stands_once() {
        let mut all: Vec<u16> = Vec::new();
        for letter in LETTERS {
            if let Says::Hex(text) = letter.says {
                assert!(bytes(text).is_some(), "{} is no hexadecimal", letter.service);
            }
            let most = if letter.service == "QUIC" { 1200 } else { 400 };
            assert!((1..=most).contains(&letter.bytes().len()), "{}", letter.service);
            assert!(!letter.source.is_empty() && !letter.asks.is_empty());
            all.extend(letter.ports);
        }
        let sorted = LETTERS.windows(2).all(|two| two[0].ports[0] < two[1].ports[0]);
        assert!(sorted, "they stand in the order of the ports");
        let known = ports();
        assert_eq!(known.len(), all.len(), "a port stands twice");
        assert_eq!(said(9999), ANY);
    }

    #[test]
    fn lengths_within_are_right() {
        assert_eq!(said(53).len(), 17);
        assert_eq!(said(111).len(), 40);
        assert_eq!(said(123).len(), 48);
        assert_eq!(said(137).len(), 50);
        assert_eq!(said(443).len(), 1200);
        assert_eq!(number(&said(500), 24, 4), said(500).len());
        assert_eq!(said(4500).len(), 4 + said(500).len());
        assert_eq!(said(4500).get(4..), Some(said(500).as_slice()));
        let dtls = said(5684);
        assert_eq!((number(&dtls, 11, 2), number(&dtls, 14, 3)), (dtls.len() - 13, dtls.len() - 25));
        for port in [88, 161, 389] {
            let of = said(port);
            assert_eq!(number(&of, 1, 1), of.len() - 2, "port {port}");
            assert!(is_nested(&of), "port {port}");
        }
    }

    /// Whether lengths fit into one another, as in BER (X.690 section 8.1).
    fn is_nested(of: &[u8]) -> bool {
        let mut rest = of;
        while let [tag, length, more @ ..] = rest {
            let Some((inside, after)) = more.split_at_checked(usize::from(*length)) else {
                return false;
            };
            if tag & 0x20 != 0 && !is_nested(inside) {
                return false;
            }
            rest = after;
        }
        rest.is_empty()
    }
}
