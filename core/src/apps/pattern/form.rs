//! The literal characters of a pattern, in the normal form of texts.

use std::{mem, slice};

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Ast, ClassSet, ClassSetItem, Concat, Error, Flag, Flags, FlagsItemKind, Group, GroupKind, HexLiteralKind,
    Literal, LiteralKind, Span,
};

use crate::text::matching::{Pieces, is_ignored};

/// Returns the pattern with its literal characters in the [normal form](crate::text::matching), and without its flags
/// for case. A character whose normal form has several characters, such as `ß`, becomes a group of its own.
pub(super) fn normal(pattern: &str) -> Result<String, Box<Error>> {
    let mut ast = Parser::new().parse(pattern).map_err(Box::new)?;
    fold(&mut ast);
    Ok(ast.to_string())
}

fn fold(ast: &mut Ast) {
    match ast {
        Ast::Literal(literal) => {
            if let Some(form) = form_of(slice::from_ref(&**literal)) {
                *ast = together(form, literal.span);
            }
        }
        Ast::Concat(concat) => {
            let mut folded = Vec::with_capacity(concat.asts.len());
            let mut run = Vec::new();
            for mut part in mem::take(&mut concat.asts) {
                if let Ast::Literal(literal) = &part {
                    run.push((**literal).clone());
                } else {
                    push(&mut folded, &mut run);
                    fold(&mut part);
                    folded.push(part);
                }
            }
            push(&mut folded, &mut run);
            concat.asts = folded;
        }
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(fold),
        Ast::Repetition(repetition) => fold(&mut repetition.ast),
        Ast::Group(group) => {
            if let GroupKind::NonCapturing(flags) = &mut group.kind {
                ignore_case_flags(flags);
            }
            fold(&mut group.ast);
        }
        Ast::Flags(set) => {
            ignore_case_flags(&mut set.flags);
            if set.flags.items.is_empty() {
                *ast = Ast::empty(set.span);
            }
        }
        Ast::ClassBracketed(class) => fold_class(&mut class.kind),
        Ast::Empty(_) | Ast::Dot(_) | Ast::Assertion(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) => {}
    }
}

/// Ends a run of literal characters: adds its normal form to a concatenation.
fn push(folded: &mut Vec<Ast>, run: &mut Vec<Literal>) {
    let form = form_of(run).unwrap_or_else(|| run.clone());
    folded.extend(form.into_iter().map(Ast::literal));
    run.clear();
}

/// Returns these characters as one part of a pattern.
fn together(form: Vec<Literal>, span: Span) -> Ast {
    let mut asts: Vec<Ast> = form.into_iter().map(Ast::literal).collect();
    match asts.pop() {
        Some(only) if asts.is_empty() => only,
        last => {
            asts.extend(last);
            let kind = GroupKind::NonCapturing(Flags { span, items: Vec::new() });
            Ast::group(Group { span, kind, ast: Box::new(Ast::concat(Concat { span, asts })) })
        }
    }
}

/// Returns the normal form of these characters, or `None` if they are in normal form.
fn form_of(literals: &[Literal]) -> Option<Vec<Literal>> {
    let span = literals.first()?.span;
    let text: String = literals.iter().map(|literal| literal.c).collect();
    let form: String = if text.chars().all(is_ignored) {
        String::new()
    } else {
        Pieces::of(&text).flat_map(|piece| piece.chars().collect::<Vec<_>>()).collect()
    };
    (form != text).then(|| form.chars().map(|c| literal(c, span)).collect())
}

fn literal(c: char, span: Span) -> Literal {
    // In the other form, a mark of ASCII could be an operator, and a space could be left out.
    let is_plain = !c.is_ascii() || c.is_ascii_alphanumeric();
    let kind = if is_plain { LiteralKind::Verbatim } else { LiteralKind::HexBrace(HexLiteralKind::X) };
    Literal { span, kind, c }
}

/// The text has no capital letters, and the whole pattern ignores case.
fn ignore_case_flags(flags: &mut Flags) {
    flags.items.retain(|item| item.kind != FlagsItemKind::Flag(Flag::CaseInsensitive));
    if flags.items.last().is_some_and(|item| item.kind == FlagsItemKind::Negation) {
        flags.items.pop();
    }
}

fn fold_class(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => fold_item(item),
        ClassSet::BinaryOp(operation) => {
            fold_class(&mut operation.lhs);
            fold_class(&mut operation.rhs);
        }
    }
}

/// Gives a character of a class its normal form, if this form is one character.
fn fold_item(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Literal(literal) => {
            if let Some([form]) = form_of(slice::from_ref(literal)).as_deref() {
                *literal = form.clone();
            }
        }
        ClassSetItem::Bracketed(class) => fold_class(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(fold_item),
        ClassSetItem::Empty(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_)
        | ClassSetItem::Perl(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_characters_get_their_normal_form_and_nothing_else_changes() {
        let table = [
            (r"report\s+(?<village>\w+)\b", r"report\s+(?<village>\w+)\b"),
            (r"[A-Z]{2,3}\D*?[^x\n]?|^$", r"[A-Z]{2,3}\D*?[^x\n]?|^$"),
            ("ARRE\u{302}T", "arrêt"),
            ("schließen", "schliessen"),
            ("ß+", "(?:ss)+"),
            ("ß", "(?:ss)"),
            ("İPTAL (.*)", r"iptal\x{20}(.*)"),
            (r"\x41\u{130}", "ai"),
            ("pi\u{200c}ng", "ping"),
            ("a\u{200c}?", "a(?:)?"),
            ("ｐ३", "p3"),
            ("d’accord", r"d\x{27}accord"),
            ("…", r"(?:\x{2E}\x{2E}\x{2E})"),
            ("[éıİß３]", "[éiiß3]"),
            ("[^Éa[Ｂ]&&[ıx]]", "[^éa[b]&&[ix]]"),
            ("(?-i:A)(?i)B(?s-i)c(?is:.)", "(?:a)b(?s)c(?s:.)"),
            (r"\.\*", r"\.\*"),
        ];
        for (pattern, form) in table {
            assert_eq!(normal(pattern).as_deref(), Ok(form), "{pattern:?}");
        }
    }
}
