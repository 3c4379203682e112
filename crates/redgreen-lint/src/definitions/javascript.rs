//! JavaScript and TypeScript: declarations, members of classes, exports, imports.

use super::{Definition, DefinitionKind, Import};
use crate::LintError;
use crate::lang::javascript::with_program;
use crate::syntax::LineIndex;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;

/// The names that a file defines: at its top, in namespaces and classes.
pub(super) fn definitions(text: &str) -> Result<Vec<Definition>, LintError> {
    let lines = LineIndex::new(text);
    let (found, _) = with_program(text, None, |program| {
        let mut walk = Definitions {
            lines: &lines,
            found: Vec::new(),
            class: None,
        };
        for statement in &program.body {
            walk.statement(statement);
        }
        walk.found
    })?;
    Ok(found)
}

struct Definitions<'t> {
    lines: &'t LineIndex,
    found: Vec<Definition>,
    class: Option<String>,
}

impl Definitions<'_> {
    fn add(&mut self, name: &str, kind: DefinitionKind, at: u32) {
        self.found.push(Definition {
            name: name.to_owned(),
            kind,
            line: self.lines.line(at as usize),
            container: self.class.clone(),
        });
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::ExportDeclaration(export) => self.declaration(&export.declaration),
            Statement::ExportNamedDeclaration(export) => {
                for specifier in &export.specifiers {
                    let name = specifier.exported.name();
                    self.add(
                        name.as_str(),
                        DefinitionKind::ReExport,
                        specifier.span.start,
                    );
                }
            }
            Statement::ExportDefaultDeclaration(export) => match &export.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => {
                    self.function(function)
                }
                ExportDefaultDeclarationKind::ClassDeclaration(class) => self.class(class),
                _ => {}
            },
            Statement::ExpressionStatement(expression) => self.assigned(&expression.expression),
            other => {
                if let Some(declaration) = other.as_declaration() {
                    self.declaration(declaration);
                }
            }
        }
    }

    fn function(&mut self, function: &Function<'_>) {
        if let Some(id) = &function.id {
            self.add(id.name.as_str(), DefinitionKind::Function, id.span.start);
        }
    }

    fn declaration(&mut self, declaration: &Declaration<'_>) {
        match declaration {
            Declaration::FunctionDeclaration(function) => self.function(function),
            Declaration::ClassDeclaration(class) => self.class(class),
            Declaration::VariableDeclaration(variables) => {
                for declarator in &variables.declarations {
                    if let BindingPattern::BindingIdentifier(id) = &declarator.id {
                        let is_function = matches!(
                            declarator.init,
                            Some(
                                Expression::ArrowFunctionExpression(_)
                                    | Expression::FunctionExpression(_)
                            )
                        );
                        let kind = if is_function {
                            DefinitionKind::Function
                        } else {
                            DefinitionKind::Constant
                        };
                        self.add(id.name.as_str(), kind, id.span.start);
                        if let Some(Expression::ObjectExpression(object)) = &declarator.init {
                            self.properties(object);
                        }
                    }
                }
            }
            Declaration::TSTypeAliasDeclaration(alias) => self.add(
                alias.id.name.as_str(),
                DefinitionKind::Type,
                alias.id.span.start,
            ),
            Declaration::TSInterfaceDeclaration(interface) => self.add(
                interface.id.name.as_str(),
                DefinitionKind::Type,
                interface.id.span.start,
            ),
            Declaration::TSEnumDeclaration(one) => self.add(
                one.id.name.as_str(),
                DefinitionKind::Type,
                one.id.span.start,
            ),
            _ => {}
        }
    }

    /// Names of a literal object may be what a module exports.
    fn properties(&mut self, object: &ObjectExpression<'_>) {
        for property in &object.properties {
            if let ObjectPropertyKind::ObjectProperty(property) = property
                && let Some(name) = property.key.static_name()
            {
                self.add(&name, DefinitionKind::Field, property.span.start);
            }
        }
    }

    /// `exports.total = …`, `module.exports = { total }`, `Cart.prototype.total = …`.
    fn assigned(&mut self, expression: &Expression<'_>) {
        let Expression::AssignmentExpression(assignment) = expression else {
            return;
        };
        if let AssignmentTarget::StaticMemberExpression(member) = &assignment.left {
            let name = member.property.name.as_str();
            let exports = matches!(&member.object, Expression::Identifier(object) if object.name == "exports")
                || matches!(&member.object, Expression::StaticMemberExpression(inner)
                    if inner.property.name == "exports" || inner.property.name == "prototype");
            if exports && name != "exports" {
                self.add(name, DefinitionKind::Function, member.property.span.start);
            }
        }
        match &assignment.right {
            Expression::ObjectExpression(object) => self.properties(object),
            Expression::AssignmentExpression(_) => self.assigned(&assignment.right),
            Expression::FunctionExpression(function) => self.function(function),
            Expression::ClassExpression(class) => self.class(class),
            _ => {}
        }
    }

    fn class(&mut self, class: &Class<'_>) {
        let name = class
            .id
            .as_ref()
            .map_or_else(|| "default".to_owned(), |id| id.name.to_string());
        if class.id.is_some() {
            self.add(&name, DefinitionKind::Type, class.span.start);
        }
        let outer = self.class.replace(name);
        for element in &class.body.body {
            let kind = match element {
                ClassElement::MethodDefinition(_) => DefinitionKind::Method,
                ClassElement::PropertyDefinition(_) => DefinitionKind::Field,
                _ => continue,
            };
            if let Some(name) = element.static_name() {
                self.add(&name, kind, element.span().start);
            }
        }
        self.class = outer;
    }
}

/// The names that a file imports: `import`, and `require` and `import()` bound to a name.
pub(super) fn imports(text: &str) -> Result<Vec<Import>, LintError> {
    let lines = LineIndex::new(text);
    let (found, _) = with_program(text, None, |program| {
        let mut walk = Imports {
            lines: &lines,
            found: Vec::new(),
        };
        walk.visit_program(program);
        walk.found
    })?;
    Ok(found)
}

struct Imports<'t> {
    lines: &'t LineIndex,
    found: Vec<Import>,
}

impl Imports<'_> {
    fn add(&mut self, local: &str, module: &str, symbol: Option<&str>, at: u32) {
        self.found.push(Import {
            local: local.to_owned(),
            module: module.to_owned(),
            symbol: symbol.map(str::to_owned),
            line: self.lines.line(at as usize),
        });
    }

    fn bound(&mut self, pattern: &BindingPattern<'_>, module: &str, at: u32) {
        match pattern {
            BindingPattern::BindingIdentifier(id) => self.add(id.name.as_str(), module, None, at),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let symbol = property.key.static_name();
                    if let BindingPattern::BindingIdentifier(local) = &property.value {
                        self.add(local.name.as_str(), module, symbol.as_deref(), at);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The module behind `require('x')`, `await import('x')`, `require('x').default`.
fn module_of(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::CallExpression(call) => {
            match (&call.callee, call.arguments.first()?.as_expression()?) {
                (Expression::Identifier(name), Expression::StringLiteral(module))
                    if name.name == "require" =>
                {
                    Some(module.value.to_string())
                }
                _ => None,
            }
        }
        Expression::ImportExpression(import) => match &import.source {
            Expression::StringLiteral(module) => Some(module.value.to_string()),
            _ => None,
        },
        Expression::AwaitExpression(wait) => module_of(&wait.argument),
        Expression::ParenthesizedExpression(inner) => module_of(&inner.expression),
        Expression::StaticMemberExpression(member) => module_of(&member.object),
        _ => None,
    }
}

impl<'a> Visit<'a> for Imports<'_> {
    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        let module = it.source.value.as_str();
        for specifier in it.specifiers.iter().flatten() {
            match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(one) => {
                    let symbol = one.imported.name();
                    self.add(
                        one.local.name.as_str(),
                        module,
                        Some(symbol.as_str()),
                        it.span.start,
                    );
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                    self.add(
                        one.local.name.as_str(),
                        module,
                        Some("default"),
                        it.span.start,
                    );
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => {
                    self.add(one.local.name.as_str(), module, None, it.span.start);
                }
            }
        }
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let Some(module) = it.init.as_ref().and_then(module_of) {
            self.bound(&it.id, &module, it.span.start);
        }
        walk::walk_variable_declarator(self, it);
    }
}
