//! The built files, each with the tag and the encoding in which it is sent.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::web::etag;

/// The folder of the built files.
#[derive(RustEmbed)]
#[folder = "console/dist"]
struct Files;

/// The ending of a file that holds another one compressed.
const BROTLI: &str = ".br";
/// The folder of files whose names change with their content.
const HASHED: &str = "assets/";
/// For files whose names change with their content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For files that keep their names: a browser asks whether they have changed.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Returns a file, or 304 if the client has it; `None` if there is no such file.
pub fn respond(name: &str, request: &HeaderMap) -> Option<Response> {
    let content_type = content_type(name)?;
    let plain = Files::get(name)?;
    let compressed = if accepts_brotli(request) { Files::get(&format!("{name}{BROTLI}")) } else { None };
    let is_compressed = compressed.is_some();
    // One tag for all encodings.
    let tag = etag::weak(&plain.metadata.sha256_hash());
    let mut response = etag::conditional(request, tag, content_type, body(compressed.unwrap_or(plain)));
    let is_sent = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    if is_sent && is_compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    headers.insert(CACHE_CONTROL, if name.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN });
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Some(response)
}

/// Returns the media type of a file; `None` for files that are not sent under their own names.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        Cow::Borrowed(data) => Body::from(Bytes::from_static(data)),
        Cow::Owned(data) => Body::from(data),
    }
}

/// Returns whether `Accept-Encoding` names Brotli and does not exclude it.
fn accepts_brotli(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|list| list.split(',')).any(|element| {
        let mut parts = element.split(';').map(str::trim);
        let is_brotli = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let is_excluded = parts
            .filter_map(|part| part.split_once('='))
            .any(|(name, value)| name.trim() == "q" && value.trim().parse() == Ok(0.0_f32));
        is_brotli && !is_excluded
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The most that a browser may load before the first view is shown, in bytes as they are sent.
    const MOST_SCRIPT: usize = 250_000;

    #[test]
    fn brotli_is_sent_to_those_who_name_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().expect("a header value"));
            accepts_brotli(&headers)
        };
        for value in ["br", "gzip, deflate, br, zstd", "gzip;q=0.5, BR;q=1.0", "br;q=0.001"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "gzip", "br;q=0", "br; q=0.0, gzip", "*", "brotli"] {
            assert!(!accepts(value), "{value}");
        }
    }

    #[test]
    fn every_script_together_is_small() {
        let scripts = Files::iter().filter(|name| name.ends_with(".js"));
        let sent = scripts.map(|name| {
            let compressed = Files::get(&format!("{name}{BROTLI}"));
            compressed.or_else(|| Files::get(&name)).expect("a file").data.len()
        });
        let sent: usize = sent.sum();
        assert!((1..=MOST_SCRIPT).contains(&sent), "{sent} bytes of script");
    }

    #[test]
    fn the_built_files_hold_no_foreign_address_and_no_inline_code() {
        let page = Files::get("index.html").expect("a page");
        let page = std::str::from_utf8(&page.data).expect("UTF-8");
        assert!(!page.contains("style=") && !page.contains("<style"), "{page}");
        assert!(
            page.matches("<script").count()
                == page.matches("<script type=\"module\" crossorigin src=\"./").count()
        );
        assert!(!page.contains("http"), "{page}");
        assert!(!Files::iter().any(|name| name.ends_with(".map")), "a source map");
    }

    /// The sources of the built files, as `npm run build` in `console/` noted them.
    #[derive(serde::Deserialize)]
    struct Sources {
        /// Files and folders, from the root of the repository.
        roots: Vec<String>,
        /// The checksum of each file.
        checksums: BTreeMap<String, String>,
    }

    #[test]
    fn the_built_files_are_up_to_date() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let noted = std::fs::read(repository.join("console/dist.sources.json")).expect("a list of sources");
        let Sources { roots, checksums } = serde_json::from_slice(&noted).expect("JSON");
        let mut present = BTreeMap::new();
        for file in roots.iter().flat_map(|root| files(&repository.join(root))) {
            let name =
                file.strip_prefix(repository).expect("below").to_str().expect("UTF-8").replace('\\', "/");
            if checksums.contains_key(&name) || !name.contains(".test.") {
                let mut sum = flate2::Crc::new();
                sum.update(&std::fs::read(&file).expect("a file"));
                present.insert(name, format!("{:08x}", sum.sum()));
            }
        }
        assert_eq!(checksums, present, "run `npm ci && npm run build` in console/");
    }

    fn files(path: &Path) -> Vec<PathBuf> {
        if path.is_file() {
            return vec![path.to_owned()];
        }
        let entries = std::fs::read_dir(path).expect("a folder");
        entries.flat_map(|entry| files(&entry.expect("an entry").path())).collect()
    }
}
