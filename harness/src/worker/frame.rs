//! Frames on a socket: four bytes of length, then a postcard value.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};

/// Larger frames than this are taken as garbage.
const MAX_FRAME: u32 = 1 << 31;

/// Writes a frame.
///
/// # Errors
/// If the other side is gone, or the value is too large.
pub(crate) fn write<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    let invalid = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
    let mut bytes = vec![0; 4];
    bytes = postcard::to_extend(value, bytes).map_err(|e| invalid(e.to_string()))?;
    let size = u32::try_from(bytes.len() - 4).ok().filter(|&n| n <= MAX_FRAME);
    let size =
        size.ok_or_else(|| invalid(format!("a message of {} bytes is too large", bytes.len())))?;
    bytes[..4].copy_from_slice(&size.to_le_bytes());
    to.write_all(&bytes)
}

/// Reads a frame; `None` where the other side has closed the socket between two frames.
///
/// # Errors
/// If the socket breaks or the frame makes no sense.
pub(crate) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut size = [0; 4];
    match from.read_exact(&mut size[..1]) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    from.read_exact(&mut size[1..])?;
    let size = u32::from_le_bytes(size);
    let invalid = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
    if size > MAX_FRAME {
        return Err(invalid(format!("a frame of {size} bytes")));
    }
    // Grows with what arrives: a wrong length must not allocate gigabytes.
    let mut bytes = Vec::new();
    from.take(u64::from(size)).read_to_end(&mut bytes)?;
    if bytes.len() != size as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes).map(Some).map_err(|e| invalid(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::protocol::{Event, Logits, Reply};

    #[test]
    fn frames_survive_the_way_and_an_end_between_them_is_no_error() {
        let event = Reply::Event(Event::Logits {
            logits: Logits::Rows {
                rows: vec![7, 3],
                width: 2,
                values: vec![0.5, -1.0, f32::MIN_POSITIVE, 3.25],
            },
            tokens: 40,
        });
        let mut wire = Vec::new();
        write(&mut wire, &event).unwrap();
        write(&mut wire, &event).unwrap();
        let mut from = wire.as_slice();
        assert_eq!(read::<Reply>(&mut from).unwrap(), Some(event.clone()));
        assert_eq!(read::<Reply>(&mut from).unwrap(), Some(event));
        assert_eq!(read::<Reply>(&mut from).unwrap(), None);
        let cut = &wire[..wire.len() - 1];
        let mut from = cut;
        read::<Reply>(&mut from).unwrap();
        assert!(read::<Reply>(&mut from).is_err(), "an end within a frame is one");
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_an_error_not_a_panic(bytes: Vec<u8>) {
            let _ = read::<Reply>(&mut bytes.as_slice());
        }
    }
}
