//! An HTTP/1.1 server on a port of its own, which answers as a test tells it: rightly, or in one of the ways in
//! which servers and networks fail.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A running server. It ends with the test's process, or when it is dropped.
#[derive(Debug)]
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path and query; what a proxy is asked for where it is one.
    pub target: String,
    /// Header fields, names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// `Content-Length` of so many bytes, which need not be right.
    Length(usize),
    Chunked,
    /// By the end of the connection.
    Close,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    framing: Framing,
    cut_after: Option<usize>,
    pause: Option<(usize, Duration)>,
    endless: bool,
}

impl Server {
    /// Starts a server; `answer` is given each request and its number, from 0.
    ///
    /// # Panics
    /// If no port is free.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (log, stop, answer) = (requests.clone(), stopped.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                        log.push(request.clone());
                        log.len() - 1
                    };
                    // The client may have gone; that is its right.
                    let _ = answer(&request, number).send(&stream);
                });
            }
        });
        Self { port, requests, stopped }
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A port at which nobody listens.
///
/// # Panics
/// If no port is free.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut request =
        Request { method: words.next()?, target: words.next()?, headers: BTreeMap::new() };
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            return Some(request);
        }
        let (name, value) = line.split_once(':')?;
        request.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    None
}

impl Request {
    /// A header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte that is asked for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

impl Reply {
    /// A body, its length told.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            framing: Framing::Length(body.len()),
            body,
            cut_after: None,
            pause: None,
            endless: false,
        }
    }

    /// A file, or the part of it that is asked for: RFC 9110, sections 13.1.5 and 14.
    pub fn file(request: &Request, body: &[u8], etag: &str) -> Self {
        let unchanged = request.header("if-range").is_none_or(|tag| tag == etag);
        match request.from().filter(|_| unchanged) {
            None => Self::new(200, body),
            Some(from) if from >= body.len() => {
                Self::new(416, "").header("content-range", &format!("bytes */{}", body.len()))
            }
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
                Self::new(206, &body[from..]).header("content-range", &range)
            }
        }
        .header("etag", etag)
        .header("accept-ranges", "bytes")
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").header("location", to)
    }

    /// With a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another `Content-Length` than the body has.
    pub fn claiming(mut self, length: usize) -> Self {
        self.framing = Framing::Length(length);
        self
    }

    /// In chunks of 1,000 bytes.
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// Without a length: the end of the connection ends the body.
    pub fn until_close(mut self) -> Self {
        self.framing = Framing::Close;
        self
    }

    /// Closes the connection after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Waits before each piece of so many bytes but the first.
    pub fn dripping(mut self, bytes: usize, pause: Duration) -> Self {
        self.pause = Some((bytes, pause));
        self
    }

    /// Sends the body again and again, until the client has enough.
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    fn send(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Told\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.framing {
            Framing::Length(length) => head.push_str(&format!("content-length: {length}\r\n")),
            Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
            Framing::Close => {}
        }
        stream.write_all(head.as_bytes())?;
        stream.write_all(b"\r\n")?;
        let body = &self.body[..self.cut_after.unwrap_or(self.body.len()).min(self.body.len())];
        let (piece, pause) = self.pause.unwrap_or((1000, Duration::ZERO));
        loop {
            for (index, piece) in body.chunks(piece).enumerate() {
                if index > 0 {
                    thread::sleep(pause);
                }
                if self.framing == Framing::Chunked {
                    write!(stream, "{:x}\r\n", piece.len())?;
                }
                stream.write_all(piece)?;
                if self.framing == Framing::Chunked {
                    stream.write_all(b"\r\n")?;
                }
            }
            if !self.endless {
                break;
            }
        }
        if self.framing == Framing::Chunked && self.cut_after.is_none() {
            stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(())
    }
}
