//! Rust source without what only looks like code: comments, strings and characters.

/// The source with comments and the insides of literals turned into blanks; lines stay in place.
///
/// A small scanner of its own, since all it has to know is where such a stretch begins and ends.
pub(crate) fn blank_out(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < text.len() {
        let end = skip(&text, at);
        if end == at {
            code.push(text[at]);
            at += 1;
        } else {
            let stretch = text[at..end].iter();
            code.extend(stretch.map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Whether `word` stands in the line as a word of its own.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|found| found == word)
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn skip(text: &[char], at: usize) -> usize {
    let next = text.get(at + 1).copied();
    let before = at.checked_sub(1).map(|before| text[before]);
    let inside_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match text[at] {
        '/' if next == Some('/') => find(text, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => end_of_block_comment(text, at),
        '"' => end_of_quoted(text, at, '"'),
        'r' if !inside_word => end_of_raw_string(text, at),
        'b' if !inside_word && next == Some('r') => {
            let end = end_of_raw_string(text, at + 1);
            if end == at + 1 { at } else { end }
        }
        // 'a' and '\n' are characters, 'a without a closing quote is a lifetime.
        '\'' if next == Some('\\') || text.get(at + 2) == Some(&'\'') => end_of_quoted(text, at, '\''),
        _ => at,
    }
}

fn end_of_block_comment(text: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn end_of_quoted(text: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// `r"..."` and `r#"..."#`; `start` itself when it is a word such as `r#type`.
fn end_of_raw_string(text: &[char], start: usize) -> usize {
    let hashes = text[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if text.get(open) != Some(&'"') {
        return start;
    }
    let closes =
        |rest: &[char]| rest[0] == '"' && rest[1..].iter().take_while(|c| **c == '#').count() >= hashes;
    (find(text, open + 1, closes) + 1 + hashes).min(text.len())
}

fn find(text: &[char], from: usize, wanted: impl Fn(&[char]) -> bool) -> usize {
    (from..text.len()).find(|&at| wanted(&text[at..])).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_code(source: &str, wanted: &str) {
        let found = blank_out(source);
        assert_eq!(found.chars().count(), source.chars().count());
        assert_eq!(found.split_whitespace().collect::<Vec<_>>().join(" "), wanted);
    }

    #[test]
    fn comments_go() {
        assert_code("a // unsafe\nb", "a b");
        assert_code("a /* x /* unsafe */ y */ b", "a b");
        assert_code("//! unsafe\nfn f() {}", "fn f() {}");
        assert_code("a /* never closed", "a");
    }

    #[test]
    fn literals_go() {
        assert_code(r#"f("unsafe \" more", x)"#, "f( , x)");
        assert_code("f(r\"\\\", x)", "f( , x)");
        assert_code("f(r##\"a \"# b\"##, x)", "f( , x)");
        assert_code("f(br#\"a\"#, b\"c\")", "f( , b )");
        assert_code("f('\"', '\\'', 'x')", "f( , , )");
    }

    #[test]
    fn lifetimes_and_raw_words_stay() {
        assert_code("fn f<'a>(x: &'a str, r#type: u8)", "fn f<'a>(x: &'a str, r#type: u8)");
        assert_code("for_each(bar)", "for_each(bar)");
    }

    #[test]
    fn lines_stay_in_place() {
        assert_eq!(blank_out("a\n/* b\nc */\nd").lines().count(), 4);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("let x = unsafe { y }", "unsafe"));
        assert!(!has_word("#![deny(unsafe_code)]", "unsafe"));
    }
}
