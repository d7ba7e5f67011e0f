//! Reads the parts of a message. Errors describe what is wrong with it.

/// The unread bytes of a message.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or("ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many as were taken"))
    }

    pub fn u8(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads an unsigned integer of `n` bytes.
    pub fn uint(&mut self, n: usize) -> Result<u128, String> {
        let mut bytes = [0; 16];
        bytes.get_mut(..n).ok_or("an integer of too many bytes")?.copy_from_slice(self.take(n)?);
        Ok(u128::from_le_bytes(bytes))
    }

    /// Reads a text of so many bytes.
    pub fn text(&mut self, bytes: usize) -> Result<String, String> {
        text(self.take(bytes)?)
    }

    /// Reads a text after its length, one byte.
    pub fn short_text(&mut self) -> Result<String, String> {
        let units = self.u8()?;
        self.text(2 * usize::from(units))
    }
}

/// Decodes UTF-16.
pub fn text(bytes: &[u8]) -> Result<String, String> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return Err("half a UTF-16 unit".to_owned()) };
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16(&units).map_err(|_| "a text that is no UTF-16".to_owned())
}
