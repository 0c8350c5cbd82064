/** ESLint rules for what this repository asks of its code and no published rule covers. */

const assertionSaysWhy = {
  meta: {
    type: 'suggestion',
    docs: { description: 'A type assertion overrules the compiler, so a comment beside it says why that is right.' },
    messages: { silent: 'Say why this assertion holds, in a comment on this line or above its statement.' },
    schema: [],
  },
  create({ sourceCode, report }) {
    return {
      TSAsExpression(node) {
        if (isConst(node.typeAnnotation) || isExplained(node, sourceCode)) return;
        report({ node, messageId: 'silent' });
      },
    };
  },
};

function isConst(type) {
  return type.type === 'TSTypeReference' && type.typeName.name === 'const';
}

/** A comment on one of the lines from just above the statement to the end of the assertion. */
function isExplained(node, sourceCode) {
  let statement = node;
  while (statement.parent && !/Statement$|Declaration$|PropertyDefinition|MethodDefinition/.test(statement.type))
    statement = statement.parent;
  const from = Math.min(statement.loc.start.line, node.loc.start.line) - 1;
  const until = node.loc.end.line;
  return sourceCode.getAllComments().some((comment) => comment.loc.end.line >= from && comment.loc.start.line <= until);
}

export const house = { meta: { name: 'house' }, rules: { 'assertion-says-why': assertionSaysWhy } };
