//! The header of TCP (RFC 9293 §3.1), and the options of a SYN.

use core::net::IpAddr;

use crate::checksum::Checksum;
use crate::{Room, take};

/// The length of a header without options, in bytes.
pub const LENGTH: usize = 20;
/// The length of a header with the options of [`Options::CLIENT`], in bytes.
pub const SYN_LENGTH: usize = 40;

/// The control bits, one each.
pub mod flags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronises sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Resets the connection.
    pub const RST: u8 = 0x04;
    /// Data is to be handed up at once.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number holds.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer holds.
    pub const URG: u8 = 0x20;
}

/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Source Port          |       Destination Port        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                        Sequence Number                        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    Acknowledgment Number                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Data |       |C|E|U|A|P|R|S|F|                               |
/// | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
/// |       |       |R|E|G|K|H|T|N|N|                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |           Checksum            |         Urgent Pointer        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                           [Options]                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's port.
    pub source: u16,
    /// The receiver's port.
    pub destination: u16,
    /// The number of the first byte of data, or of the SYN itself.
    pub sequence: u32,
    /// The number that the sender expects next; it holds with [`flags::ACK`].
    pub acknowledgment: u32,
    /// The control bits ([`flags`]).
    pub flags: u8,
    /// How much the sender can take, in bytes, not scaled in a SYN (RFC 7323 §2.2).
    pub window: u16,
    /// Where urgent data ends; it holds with [`flags::URG`].
    pub urgent: u16,
    /// The options that we know.
    pub options: Options,
}

/// The options of a SYN that are in use; others are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum segment size, in bytes (RFC 9293 §3.7.1).
    pub maximum_segment: Option<u16>,
    /// Whether selective acknowledgements may be sent (RFC 2018 §2).
    pub sack_permitted: bool,
    /// The sender's clock, and the one that it echoes (RFC 7323 §3.2).
    pub timestamps: Option<(u32, u32)>,
    /// By how many bits later windows are shifted (RFC 7323 §2.2).
    pub window_scale: Option<u8>,
}

impl Options {
    /// What the SYN of a client offers over Ethernet: such a SYN is answered like that of any client.
    pub const CLIENT: Self = Self {
        maximum_segment: Some(1460),
        sack_permitted: true,
        timestamps: Some((0, 0)),
        window_scale: Some(7),
    };
}

impl Header {
    /// Takes the header off a segment, and answers it with the data. Whether the checksum holds is [`intact`].
    #[must_use]
    pub fn read(segment: &[u8]) -> Option<(Self, &[u8])> {
        let mut input = segment;
        let source = u16::from_be_bytes(take(&mut input)?);
        let destination = u16::from_be_bytes(take(&mut input)?);
        let sequence = u32::from_be_bytes(take(&mut input)?);
        let acknowledgment = u32::from_be_bytes(take(&mut input)?);
        let [offset, flags] = take(&mut input)?;
        let window = u16::from_be_bytes(take(&mut input)?);
        let _checksum: [u8; 2] = take(&mut input)?;
        let urgent = u16::from_be_bytes(take(&mut input)?);
        let length = usize::from(offset >> 4).checked_mul(4)?;
        let options = Options::read(segment.get(LENGTH..length)?);
        let header =
            Self { source, destination, sequence, acknowledgment, flags, window, urgent, options };
        Some((header, segment.get(length..)?))
    }

    /// Writes the header of a segment without data, with its checksum for these addresses.
    pub fn write(&self, from: IpAddr, to: IpAddr, out: &mut [u8]) -> Option<usize> {
        let length = LENGTH.checked_add(self.options.length())?;
        let header = out.get_mut(..length)?;
        let mut room = Room(&mut *header);
        room.put(self.source.to_be_bytes())?;
        room.put(self.destination.to_be_bytes())?;
        room.put(self.sequence.to_be_bytes())?;
        room.put(self.acknowledgment.to_be_bytes())?;
        room.put([u8::try_from(length.checked_mul(4)?).ok()?, self.flags])?;
        room.put(self.window.to_be_bytes())?;
        room.put([0, 0])?;
        room.put(self.urgent.to_be_bytes())?;
        self.options.write(&mut room)?;
        let sum = Checksum::pseudo(from, to, crate::TCP, u16::try_from(length).ok()?);
        let sum = sum.bytes(header).finish();
        header.get_mut(16..18)?.copy_from_slice(&sum.to_be_bytes());
        Some(length)
    }

    /// Whether all of these control bits are set.
    #[must_use]
    pub fn has(&self, bits: u8) -> bool {
        self.flags & bits == bits
    }
}

impl Options {
    /// Reads as far as they can be told apart: what stands behind an option of an impossible length is nobody's.
    fn read(mut input: &[u8]) -> Self {
        let mut options = Self::default();
        while let Some([kind]) = take(&mut input) {
            match kind {
                0 => break,
                1 => continue,
                _ => {}
            }
            let Some([length]) = take(&mut input) else { break };
            let length = usize::from(length).checked_sub(2);
            let Some((value, rest)) = length.and_then(|length| input.split_at_checked(length))
            else {
                break;
            };
            input = rest;
            match (kind, value) {
                (2, [high, low]) => {
                    options.maximum_segment = Some(u16::from_be_bytes([*high, *low]));
                }
                (3, [shift]) => options.window_scale = Some(*shift),
                (4, []) => options.sack_permitted = true,
                (8, mut value) => {
                    if let (Some(own), Some(echo), []) = (take(&mut value), take(&mut value), value)
                    {
                        options.timestamps =
                            Some((u32::from_be_bytes(own), u32::from_be_bytes(echo)));
                    }
                }
                _ => {}
            }
        }
        options
    }

    /// In bytes, with the padding to units of 4.
    fn length(&self) -> usize {
        let own = [
            (self.maximum_segment.is_some(), 4_usize),
            (self.sack_permitted, 2),
            (self.timestamps.is_some(), 10),
            (self.window_scale.is_some(), 3),
        ];
        let sum = own.iter().filter(|(there, _)| *there).map(|(_, length)| length).sum::<usize>();
        sum.next_multiple_of(4)
    }

    /// In the order of a common client, so that 19 bytes and one of padding make a round 20.
    fn write(&self, room: &mut Room<'_>) -> Option<()> {
        if let Some(maximum) = self.maximum_segment {
            let [high, low] = maximum.to_be_bytes();
            room.put([2, 4, high, low])?;
        }
        if self.sack_permitted {
            room.put([4, 2])?;
        }
        if let Some((own, echo)) = self.timestamps {
            room.put([8, 10])?;
            room.put(own.to_be_bytes())?;
            room.put(echo.to_be_bytes())?;
        }
        if let Some(shift) = self.window_scale {
            // The padding stands in front, as "no operation", where exactly one byte is over.
            if room.0.len() == 4 {
                room.put([1])?;
            }
            room.put([3, 3, shift])?;
        }
        room.0.fill(0);
        Some(())
    }
}

/// The first 8 bytes of a TCP header, which every ICMP error quotes (RFC 792). Of UDP only the ports are such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The port of who sent what was refused.
    pub source: u16,
    /// The port that it was for.
    pub destination: u16,
    /// The sequence number.
    pub sequence: u32,
}

impl Start {
    /// Takes it off a quoted packet.
    #[must_use]
    pub fn read(quoted: &[u8]) -> Option<Self> {
        let mut input = quoted;
        Some(Self {
            source: u16::from_be_bytes(take(&mut input)?),
            destination: u16::from_be_bytes(take(&mut input)?),
            sequence: u32::from_be_bytes(take(&mut input)?),
        })
    }
}

/// Whether the checksum of a whole segment holds between these addresses.
#[must_use]
pub fn intact(from: IpAddr, to: IpAddr, segment: &[u8]) -> bool {
    u16::try_from(segment.len()).is_ok_and(|length| {
        Checksum::pseudo(from, to, crate::TCP, length).bytes(segment).finish() == 0
    })
}
