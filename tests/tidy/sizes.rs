//! Sizes of files, lines and functions.

use super::source::{functions, sources};

/// Longest file.
const FILE_LINES_MAX: usize = 600;
/// Longest line.
const LINE_CHARS_MAX: usize = 110;
/// Longest function, from `fn` to its last brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Longest function of tests, which tell a story from its beginning to its end.
const TEST_FUNCTION_LINES_MAX: usize = 100;

/// All that is too large, so that one run shows everything.
#[test]
fn files_lines_and_functions_stay_small() {
    let mut large = Vec::new();
    for s in sources() {
        let (shown, lines) = (s.path.display(), s.text.lines().count());
        if lines > FILE_LINES_MAX {
            large.push(format!("{shown} has {lines} lines"));
        }
        for (i, line) in s.text.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX {
                large.push(format!("{shown}:{} has {chars} characters", i + 1));
            }
        }
        let tests_begin = s.tests_begin();
        for f in functions(&s.code) {
            let lines = f.last - f.first + 1;
            let max = match f.first < tests_begin {
                true => FUNCTION_LINES_MAX,
                false => TEST_FUNCTION_LINES_MAX,
            };
            if lines > max {
                large.push(format!("{shown}:{} {} has {lines} lines", f.first, f.name));
            }
        }
    }
    assert!(large.is_empty(), "too large:\n{}", large.join("\n"));
}
