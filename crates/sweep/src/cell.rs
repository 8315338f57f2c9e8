//! What is known of one port: twelve bytes.

/// What a port has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing was heard.
    #[default]
    Silent,
    /// A handshake was answered; whether somebody is behind it is not known yet.
    Seeming,
    /// Somebody is.
    Open,
    /// Nobody is: somebody answers in front.
    InFront,
    /// A handshake was answered, and no second one came about.
    Unclear,
    /// A reset; the detail is its time to live, 0 where it is not known.
    Reset,
    /// An ICMP error; the detail is its place in the table of errors.
    Unreachable,
    /// Silent, and no more asked.
    GivenUp,
}

/// What is known of one port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell {
    /// The natural logarithm of the chance that all tries were lost, but for the last one.
    pub(crate) ln: f32,
    /// In which epoch the last try was made.
    pub(crate) epoch: u16,
    /// How often its state was asked for.
    pub(crate) tries: u8,
    pub(crate) kind: Kind,
    /// Depends on the kind.
    pub(crate) detail: u8,
    /// The number of the next probe.
    pub(crate) number: u8,
    /// Handshakes that were to confirm it, and came to nothing.
    pub(crate) doubts: u8,
    /// Whether it is one of this sweep's; others only serve as canaries.
    pub(crate) foreign: bool,
}

impl Cell {
    /// The number for a probe that is sent now.
    pub(crate) fn take_number(&mut self) -> u8 {
        let number = self.number;
        self.number = (number + 1) % 16;
        number
    }

    /// Whether something has answered for it.
    pub(crate) fn has_answered(self) -> bool {
        !matches!(self.kind, Kind::Silent | Kind::GivenUp)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_port_takes_no_more_than_sixteen_bytes() {
        assert!(size_of::<super::Cell>() + size_of::<u16>() <= 16);
    }
}
