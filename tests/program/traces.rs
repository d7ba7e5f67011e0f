//! Traces and slow statements, with a collector of the test's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::serve::Serving;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A collector: it keeps the bodies that are posted to it.
struct Collector {
    address: String,
    posts: Receiver<(String, Vec<u8>)>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sender, posts) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    // Kept before it is answered: the program may end with the answer.
                    while let Some(post) = receive(&stream) {
                        if sender.send(post).is_err() || (&stream).write_all(OK).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, posts }
    }

    /// Everything that has come, after the program has ended.
    fn bodies(&self) -> Vec<u8> {
        let posts: Vec<_> = self.posts.try_iter().collect();
        assert!(posts.iter().all(|(line, _)| line.starts_with("POST /v1/traces ")), "{posts:?}");
        posts.into_iter().flat_map(|(_, body)| body).collect()
    }
}

/// Reads a request; `None` at the end of the connection.
fn receive(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |place| u8::from_str_radix(&hex[place..place + 2], 16).expect("a byte");
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn a_request_and_its_statements_are_spans_of_the_callers_trace() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let mut serving = Serving::empty(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("THERMOCLINE_SLOW_STATEMENT_MS", "0"),
    ]);
    let token = Serving::token();
    let headers = format!("authorization: Bearer {token}\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n");
    let answer = serving.get("/api/stocks?q=Geheimnis", &headers);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let slow = std::iter::repeat_with(|| serving.line("a slow statement"));
    let slow = slow.into_iter().find(|line| line["trace_id"] == TRACE).expect("a statement of the request");
    assert_eq!((&slow["target"], &slow["tier"]), (&"thermocline::slow".into(), &"hot".into()), "{slow}");
    let statement = slow["statement"].as_str().expect("a name").to_owned();
    assert!(slow["parameters"].as_str().is_some_and(|shapes| shapes.contains("text of ")), "{slow}");
    assert!(slow["ms"].is_number() && !slow.to_string().contains("Geheimnis"), "{slow}");
    let line = serving.line("request");
    assert_eq!(line["trace_id"], TRACE, "{line}");
    assert!(serving.get("/readyz", "").starts_with("HTTP/1.1 200 "));
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
    let sent = collector.bodies();
    for name in
        ["GET /api/stocks", &statement, "thermocline", "deployment.environment.name", "thermocline.tier"]
    {
        assert!(holds(&sent, name.as_bytes()), "no {name} in {}", String::from_utf8_lossy(&sent));
    }
    assert!(holds(&sent, &bytes(TRACE)), "another trace");
    assert!(holds(&sent, &bytes(PARENT)), "another parent");
    for absent in ["Geheimnis", "/readyz", "health.hot"] {
        assert!(!holds(&sent, absent.as_bytes()), "{absent} in {}", String::from_utf8_lossy(&sent));
    }
}

#[test]
fn a_collector_that_is_away_changes_nothing() {
    // Nobody listens there.
    let mut serving = Serving::empty(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    let token = Serving::token();
    let answer = serving.get("/api/posts", &format!("authorization: Bearer {token}\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn traces_are_off_by_default_and_on_request() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    for environment in
        [vec![], vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_SDK_DISABLED", "true")]]
    {
        let mut serving = Serving::empty(&environment);
        serving.get("/api/posts", "");
        serving.signal("TERM");
        assert_eq!(serving.end().code(), Some(0));
    }
    assert!(collector.bodies().is_empty());
}
