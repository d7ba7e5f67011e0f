//! The parameters of UDF requests. Unknown ones are ignored: each library adds some of its own.

/// A fault of the client, as its message.
pub type Fault = String;

/// The decoded query of a request.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query; without one there are no parameters.
    pub fn read(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Returns a parameter that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, value)| known == name && !value.is_empty());
        values.next().map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| format!("{name} is required"))
    }

    /// Returns a whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Fault> {
        let number = |text: &str| text.parse().map_err(|_| format!("{name} must be a whole number"));
        self.get(name).map(number).transpose()
    }
}
