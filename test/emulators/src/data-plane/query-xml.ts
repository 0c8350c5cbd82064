/** The XML of AWS's query protocol: elements and text, no attribute but a name space. */
export interface Element {
  readonly name: string;
  /** As it was written behind the name. */
  readonly attributes: string;
  text: string;
  readonly children: Element[];
}

export function parse(xml: string): Element {
  const top: Element = { name: '', attributes: '', text: '', children: [] };
  const path = [top];
  for (const [, closing, name = '', attributes = '', empty, text] of xml.matchAll(
    /<\?[^>]*\?>|<(\/?)([\w:.-]+)([^>]*?)(\/?)>|([^<]+)/g,
  )) {
    const at = path.at(-1) ?? top;
    if (text !== undefined) at.text += text;
    else if (closing) path.pop();
    else if (name) {
      const element: Element = { name, attributes, text: '', children: [] };
      at.children.push(element);
      if (!empty) path.push(element);
    }
  }
  return top;
}

export function render(element: Element): string {
  const { name, attributes, text, children } = element;
  const inside = children.length > 0 ? children.map(render).join('') : text;
  return name === ''
    ? `<?xml version="1.0" encoding="UTF-8"?>\n${inside}`
    : `<${name}${attributes}>${inside}</${name}>`;
}

export function element(name: string, content: string | readonly Element[]): Element {
  const isText = typeof content === 'string';
  return { name, attributes: '', text: isText ? escaped(content) : '', children: isText ? [] : [...content] };
}

/** The first one of that name, at any depth. */
export function find(from: Element, name: string): Element | undefined {
  for (const child of from.children) {
    const found = child.name === name ? child : find(child, name);
    if (found) return found;
  }
  return undefined;
}

export function child(from: Element, name: string): Element | undefined {
  return from.children.find((each) => each.name === name);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
