//! Rust source as far as the house rules need it: where code is and where text is, and the functions.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file.
pub struct Source {
    /// Its path in the repository.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The text with blanks for comments, strings and characters.
    pub code: String,
}

impl Source {
    /// The line from which on there are only tests: they stand at the end of a file, or are all of it.
    pub fn tests_begin(&self) -> usize {
        let part = |name: &str| self.path.iter().any(|p| p == name);
        if part("tests") || part("benches") || part("fuzz") || self.path.ends_with("tests.rs") {
            return 0;
        }
        let module = self.code.lines().position(|l| l == "#[cfg(test)]");
        module.unwrap_or(usize::MAX)
    }
}

/// Every source file of the repository.
pub fn sources() -> Vec<Source> {
    let mut todo = vec![root().to_path_buf()];
    let mut out = Vec::new();
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules";
            if path.is_dir() && is_ours {
                todo.push(path);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push(Source {
                    path: path.strip_prefix(root()).unwrap().to_path_buf(),
                    code: code_of(&text),
                    text,
                });
            }
        }
    }
    assert!(out.len() > 80, "only {} sources found", out.len());
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// Where a piece of text that is no code ends; `at` is where it may begin.
fn text_ends(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let line = |r: &[u8]| r.iter().position(|b| *b == b'\n').unwrap_or(r.len());
    if rest.starts_with(b"//") {
        return Some(at + line(rest));
    }
    if rest.starts_with(b"/*") {
        return Some(at + comment_length(rest));
    }
    if rest[0] == b'"' {
        return Some(at + 1 + quoted_length(&rest[1..], b'"'));
    }
    let in_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if !in_word && (rest[0] == b'r' || rest.starts_with(b"br")) {
        let from = if rest[0] == b'b' { 2 } else { 1 };
        let hashes = rest[from..].iter().take_while(|b| **b == b'#').count();
        if rest.get(from + hashes) == Some(&b'"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[from + hashes + 1..];
            let found = body.windows(end.len()).position(|w| w == end.as_bytes());
            let length = found.map_or(body.len(), |n| n + end.len());
            return Some(at + from + hashes + 1 + length);
        }
    }
    // A character; a lifetime has no second quote near.
    if rest[0] == b'\'' {
        let escaped = rest.get(1) == Some(&b'\\');
        let near = rest.iter().skip(2).take(12).position(|b| *b == b'\'');
        let one_char = std::str::from_utf8(rest.get(1..).unwrap_or_default());
        let width = one_char.map_or(1, |s| s.chars().next().map_or(1, char::len_utf8));
        if escaped {
            return near.map(|n| at + n + 3);
        }
        if rest.get(1 + width) == Some(&b'\'') {
            return Some(at + 2 + width);
        }
    }
    None
}

/// Comments nest.
fn comment_length(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Up to and with the closing quote.
fn quoted_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The text with blanks for what is no code; lines stay lines.
pub fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match text_ends(bytes, at) {
            Some(end) => {
                let end = end.min(bytes.len());
                let blank = |b: &u8| if *b == b'\n' { b'\n' } else { b' ' };
                out.extend(bytes[at..end].iter().map(blank));
                at = end;
            }
            None => {
                out.push(if bytes[at].is_ascii() {
                    bytes[at]
                } else {
                    b'?'
                });
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap()
}

/// A function: its name, its first line and its last.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub first: usize,
    pub last: usize,
}

/// The functions with a body.
pub fn functions(code: &str) -> Vec<Function> {
    let mut out = Vec::new();
    let bytes = code.as_bytes();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let line_of = |at: usize| 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
    for (at, _) in code.match_indices("fn ") {
        if at > 0 && is_word(bytes[at - 1]) {
            continue;
        }
        let name: String = code[at + 3..]
            .chars()
            .take_while(|c| c.is_ascii() && is_word(*c as u8))
            .collect();
        // fn() -> T is a type.
        if name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(bytes, at) {
            out.push(Function {
                name,
                first: line_of(at),
                last: line_of(end),
            });
        }
    }
    out
}

/// The closing brace of the first block after `at`; a declaration has none.
fn body_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut round, mut braces) = (0i32, 0i32);
    for (i, b) in bytes.iter().enumerate().skip(at) {
        match b {
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b';' if round == 0 && braces == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 && round == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_code() {
        let text = [
            r"let a = '{'; // }",
            r#"let b = "{\""; /* { /* } */ */ let c: &'a str;"#,
            "let d = r#\"{\"#; '\\'';",
        ];
        let text = &text.join("\n");
        let code = code_of(text);
        assert_eq!(code.len(), text.len());
        assert!(!code.contains(['{', '}', '"', '#']), "{code}");
        assert!(
            code.contains("&'a str") && code.contains("let b ="),
            "{code}"
        );
        assert_eq!(code.lines().count(), 3);
    }

    #[test]
    fn functions_have_their_lines() {
        let text = "\
fn a() {
    if true {}
}
trait T {
    fn none(&self, x: [u8; 4]);
}
impl T for X {
    async fn b(f: fn() -> u8)
    where
        X: Y,
    {
        \"}\";
    }
}
";
        let found = functions(&code_of(text));
        let shown: Vec<_> = found
            .iter()
            .map(|f| (f.name.as_str(), f.first, f.last))
            .collect();
        assert_eq!(shown, [("a", 1, 3), ("b", 8, 13)]);
    }
}
