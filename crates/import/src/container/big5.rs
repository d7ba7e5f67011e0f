//! Text in Big5, read as UTF-8. The exchange offers its files in this encoding.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use encoding_rs::{BIG5, Decoder, DecoderResult};

use super::Text;

/// The bytes of UTF-8 that are kept ready.
const READY: usize = 64 * 1024;

/// The decoded text.
pub(super) struct Decoded {
    text: Text,
    decoder: Decoder,
    ready: Vec<u8>,
    /// The bytes that are ready and not read yet.
    unread: Range<usize>,
    over: bool,
}

impl Decoded {
    /// Decodes `text`.
    pub fn new(text: Text) -> Self {
        let decoder = BIG5.new_decoder_without_bom_handling();
        Self { text, decoder, ready: vec![0; READY], unread: 0..0, over: false }
    }

    /// Decodes the next bytes. Returns with none only at the end of the text.
    fn refill(&mut self) -> io::Result<()> {
        while self.unread.is_empty() && !self.over {
            let chunk = self.text.fill_buf()?;
            self.over = chunk.is_empty();
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(chunk, &mut self.ready, self.over);
            self.text.consume(read);
            self.unread = 0..written;
            if matches!(result, DecoderResult::Malformed(..)) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not Big5"));
            }
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let read = ready.len().min(buffer.len());
        buffer[..read].copy_from_slice(&ready[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.refill()?;
        Ok(&self.ready[self.unread.clone()])
    }

    fn consume(&mut self, read: usize) {
        self.unread.start += read.min(self.unread.len());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn decoded(bytes: Vec<u8>) -> io::Result<String> {
        // One byte at a time, so that every character lies across two reads.
        let text = BufReader::with_capacity(1, Cursor::new(bytes));
        let mut read = String::new();
        Decoded::new(Box::new(text)).read_to_string(&mut read).map(|_| read)
    }

    #[test]
    fn text_is_decoded_or_refused() {
        let whole = "證券代號,台積電\r\n0050,元大台灣50\n".repeat(5_000);
        let (bytes, _, _) = BIG5.encode(&whole);
        assert_eq!(decoded(bytes.into_owned()).expect("Big5"), whole);
        for bad in [&b"\xff\xff"[..], b"\xa4", b"0050\x80"] {
            assert!(decoded(bad.to_vec()).is_err(), "{bad:?}");
        }
    }
}
