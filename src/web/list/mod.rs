//! Pages of lists: [`ListRequest`] reads the query parameters, asks the federation, and answers with the envelope.

mod envelope;
mod parameters;
mod request;
mod respond;

pub use envelope::{Listing, PageInfo, Shown};
pub use parameters::{ListParameters, MAX_OFFSET, MAX_PAGE, PARAMETERS};
pub use request::ListRequest;
