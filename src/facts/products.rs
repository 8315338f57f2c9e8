//! Which protocol a greeting belongs to, and which product and version it gives away: two tables of patterns.

use std::sync::LazyLock;

use regex::Regex;

/// A protocol that a service greets in.
struct Protocol {
    speaks: &'static str,
    pattern: &'static str,
    /// Greetings that are of it.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are read by the tests"))]
    examples: &'static [&'static str],
}

/// In order: the first that fits counts. Bytes that are not UTF-8 stand as U+FFFD.
const PROTOCOLS: &[Protocol] = &[
    Protocol {
        // RFC 4253 section 4.2; a server may say other lines before.
        speaks: "ssh",
        pattern: r"(?m)^SSH-[0-9.]+-",
        examples: &[
            "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
            "Authorised use only\r\nSSH-2.0-dropbear_2022.83\r\n",
        ],
    },
    Protocol {
        // RFC 6143 section 7.1.1
        speaks: "vnc",
        pattern: r"^RFB [0-9]{3}\.[0-9]{3}",
        examples: &["RFB 003.008\n"],
    },
    Protocol {
        // A packet of three bytes of length and a number, then protocol 10 and the version; or an error packet.
        speaks: "mysql",
        pattern: r"(?s)^.\x00\x00[\x00\x01](?:\x0a[0-9]+\.|\x{fffd}.{2,10}(?:Host|Too many))",
        examples: &[
            "J\0\0\0\n8.0.36\0abc",
            "\u{fffd}\0\0\0\n5.5.5-10.11.6-MariaDB-0+deb12u1\0",
            "E\0\0\0\u{fffd}j\u{4}Host '192.0.2.1' is not allowed to connect to this MySQL server",
        ],
    },
    Protocol { speaks: "rsync", pattern: r"^@RSYNCD: ", examples: &["@RSYNCD: 31.0\n"] },
    Protocol {
        // RFC 1939 section 4
        speaks: "pop3",
        pattern: r"^(?:\+OK\b|-ERR\b)",
        examples: &["+OK Dovecot ready.\r\n"],
    },
    Protocol {
        // RFC 9051 section 7.1
        speaks: "imap",
        pattern: r"^\* (?:OK|PREAUTH|BYE)\b",
        examples: &["* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"],
    },
    Protocol {
        // RFC 5321 section 4.2; a word tells it from FTP, which greets with the same code.
        speaks: "smtp",
        pattern: r"(?i)^(?:220|421|554)[ -][^\r\n]*(?:\bE?SMTP\b|postfix|exim|sendmail|\bmail)",
        examples: &[
            "220 mx.example ESMTP Postfix (Debian)\r\n",
            "554 mx.example ESMTP not accepting messages\r\n",
        ],
    },
    Protocol {
        // RFC 959 section 5.4
        speaks: "ftp",
        pattern: r"(?is)^(?:220|120|421)[ -].*(?:ftp|filezilla|serv-u)",
        examples: &["220 (vsFTPd 3.0.3)\r\n", "220-Welcome\r\n220 ProFTPD Server ready.\r\n"],
    },
    Protocol {
        // RFC 854: IAC, a command and an option; or what a terminal asks for.
        speaks: "telnet",
        pattern: r"(?i)^(?:\x{fffd}\x{fffd}[\x00-\x31]|[^\x00]{0,400}(?:\blogin|\busername|\bpassword): ?$)",
        examples: &[
            "\u{fffd}\u{fffd}\u{18}\u{fffd}\u{fffd} ",
            "Debian GNU/Linux 12\r\nweb1 login: ",
        ],
    },
    Protocol {
        speaks: "http",
        pattern: r"^HTTP/[0-9.]+ [0-9]{3}",
        examples: &["HTTP/1.1 408 Request Timeout\r\n"],
    },
];

/// A product that shows its version in its greeting.
struct Product {
    name: &'static str,
    /// The group is the version.
    pattern: &'static str,
    /// Greetings, and what they give away.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are read by the tests"))]
    examples: &'static [(&'static str, &'static str)],
}

const PRODUCTS: &[Product] = &[
    Product {
        name: "OpenSSH",
        pattern: r"(?m)^SSH-[0-9.]+-OpenSSH_((?:for_Windows_)?[0-9][^\s]*(?: [^\r\n]+)?)",
        examples: &[
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "OpenSSH 9.2p1 Debian-2+deb12u3"),
            ("SSH-2.0-OpenSSH_for_Windows_8.1\r\n", "OpenSSH for_Windows_8.1"),
            ("SSH-2.0-OpenSSH\r\n", ""),
        ],
    },
    Product {
        name: "Dropbear",
        pattern: r"(?m)^SSH-[0-9.]+-dropbear_([0-9][^\s]*)",
        examples: &[("SSH-2.0-dropbear_2022.83\r\n", "Dropbear 2022.83")],
    },
    Product {
        name: "libssh",
        pattern: r"(?m)^SSH-[0-9.]+-libssh[_-]([0-9][^\s]*)",
        examples: &[("SSH-2.0-libssh_0.9.6\r\n", "libssh 0.9.6")],
    },
    Product {
        name: "Cisco SSH",
        pattern: r"(?m)^SSH-[0-9.]+-Cisco-([0-9][^\s]*)",
        examples: &[("SSH-2.0-Cisco-1.25\r\n", "Cisco SSH 1.25")],
    },
    Product {
        name: "vsFTPd",
        pattern: r"(?i)\(vsftpd ([0-9][0-9a-z.]*)\)",
        examples: &[("220 (vsFTPd 3.0.3)\r\n", "vsFTPd 3.0.3"), ("220 FTP ready\r\n", "")],
    },
    Product {
        name: "ProFTPD",
        pattern: r"ProFTPD ([0-9][0-9a-z.]*)",
        examples: &[("220 ProFTPD 1.3.8 Server (Debian) [192.0.2.1]\r\n", "ProFTPD 1.3.8")],
    },
    Product {
        name: "Pure-FTPd",
        pattern: r"(?i)Pure-?FTPd ([0-9][0-9a-z.]*)",
        examples: &[("220 Pure-FTPd 1.0.49 ready\r\n", "Pure-FTPd 1.0.49")],
    },
    Product {
        name: "FileZilla Server",
        pattern: r"(?i)FileZilla Server (?:version )?([0-9][0-9a-z. ]*[0-9a-z])",
        examples: &[("220-FileZilla Server 1.8.0\r\n", "FileZilla Server 1.8.0")],
    },
    Product {
        name: "Serv-U",
        pattern: r"(?i)Serv-U FTP Server v([0-9][0-9.]*)",
        examples: &[("220 Serv-U FTP Server v15.1 ready...\r\n", "Serv-U 15.1")],
    },
    Product {
        name: "Exim",
        pattern: r"\bExim ([0-9][0-9.]*)",
        examples: &[("220 mx.example ESMTP Exim 4.96 Mon, 23 Nov 2026\r\n", "Exim 4.96")],
    },
    Product {
        name: "Sendmail",
        pattern: r"\bSendmail ([0-9][0-9.]*(?:/[0-9][0-9.]*)?)",
        examples: &[(
            "220 mx.example ESMTP Sendmail 8.17.1/8.17.1; Mon\r\n",
            "Sendmail 8.17.1/8.17.1",
        )],
    },
    Product {
        name: "Postfix",
        pattern: r"\bPostfix \(?([0-9][0-9.]*)",
        examples: &[
            ("220 mx.example ESMTP Postfix (3.7.10)\r\n", "Postfix 3.7.10"),
            ("220 mx ESMTP Postfix\r\n", ""),
        ],
    },
    Product {
        name: "Microsoft ESMTP MAIL Service",
        pattern: r"Microsoft ESMTP MAIL Service, Version: ([0-9][0-9.]*[0-9])",
        examples: &[(
            "220 mx.example Microsoft ESMTP MAIL Service, Version: 10.0.17763.1 ready\r\n",
            "Microsoft ESMTP MAIL Service 10.0.17763.1",
        )],
    },
    Product {
        name: "Microsoft FTP Service",
        pattern: r"Microsoft FTP Service \(Version ([0-9][0-9.]*)\)",
        examples: &[(
            "220 web1 Microsoft FTP Service (Version 5.0).\r\n",
            "Microsoft FTP Service 5.0",
        )],
    },
    Product {
        name: "Dovecot",
        pattern: r"\bDovecot (?:v|version )?([0-9][0-9.]*)",
        examples: &[
            ("+OK Dovecot 2.3.19 ready.\r\n", "Dovecot 2.3.19"),
            ("+OK Dovecot ready.\r\n", ""),
        ],
    },
    Product {
        name: "Cyrus",
        pattern: r"\bCyrus (?:IMAP|POP3) v?([0-9][^\s]*)",
        examples: &[(
            "* OK mx.example Cyrus IMAP 3.6.1-Debian server ready\r\n",
            "Cyrus 3.6.1-Debian",
        )],
    },
    Product {
        name: "MariaDB",
        pattern: r"(?s)^.\x00\x00\x00\x0a(?:5\.5\.5-)?([0-9][0-9.]*)-MariaDB",
        examples: &[("Z\0\0\0\n5.5.5-10.11.6-MariaDB-0+deb12u1\0abc", "MariaDB 10.11.6")],
    },
    Product {
        name: "MySQL",
        pattern: r"(?s)^.\x00\x00\x00\x0a([0-9][0-9.]*[0-9])",
        examples: &[("J\0\0\0\n8.0.36-0ubuntu0.22.04.1\0", "MySQL 8.0.36")],
    },
];

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the table's patterns are tested")
}

/// The protocol that a greeting belongs to; empty when it is none that we know. A bare `220`, with which both mail and
/// file transfer begin, is told by the port.
pub(super) fn protocol(greeting: &str, port: u16) -> &'static str {
    static PATTERNS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PROTOCOLS.iter().map(|known| compiled(known.pattern)).collect());
    let mut known = PROTOCOLS.iter().zip(PATTERNS.iter());
    if let Some((found, _)) = known.find(|(_, pattern)| pattern.is_match(greeting)) {
        return found.speaks;
    }
    match port {
        21 | 990 | 2121 if greeting.starts_with("220") => "ftp",
        25 | 465 | 587 | 2525 if greeting.starts_with("220") => "smtp",
        _ => "",
    }
}

/// The product and version that a greeting gives away; empty when it shows none.
pub(super) fn version(greeting: &str) -> String {
    static PATTERNS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PRODUCTS.iter().map(|known| compiled(known.pattern)).collect());
    let shown = PRODUCTS.iter().zip(PATTERNS.iter()).find_map(|(known, pattern)| {
        let version = pattern.captures(greeting)?.get(1)?.as_str().trim_end();
        Some(format!("{} {version}", known.name))
    });
    shown.unwrap_or_default().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_recognised() {
        for known in PROTOCOLS {
            assert!(!known.examples.is_empty(), "{} has no example", known.speaks);
            for example in known.examples {
                assert_eq!(protocol(example, 9), known.speaks, "{example:?}");
            }
        }
        for known in PRODUCTS {
            assert!(!known.examples.is_empty(), "{} has no example", known.name);
            for (greeting, shown) in known.examples {
                assert_eq!(version(greeting), *shown, "{greeting:?}");
            }
        }
    }

    #[test]
    fn what_is_not_known_stays_empty() {
        for (greeting, port) in [("", 21), ("hello", 25), ("220 ready", 9), ("RFB x", 5900)] {
            assert_eq!(protocol(greeting, port), "", "{greeting:?}");
        }
        assert_eq!(protocol("220 ready", 21), "ftp");
        assert_eq!(protocol("220 ready", 25), "smtp");
        for greeting in
            ["RFB 003.008\n", "@RSYNCD: 31.0\n", "SSH-2.0-x\r\n", "\u{fffd}\u{fffd}\u{1}"]
        {
            assert_eq!(version(greeting), "", "{greeting:?}");
        }
    }
}
