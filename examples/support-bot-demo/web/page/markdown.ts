/**
 * Markdown from the agent to DOM nodes that can do no harm. A reply is not trusted: a model repeats what it read.
 * Three layers: raw HTML is shown as the text it is; DOMPurify keeps an allow-list; the page's
 * Content-Security-Policy runs no inline script and loads nothing from elsewhere.
 */
import DOMPurify from "/vendor/purify.es.mjs";
import { Marked, type Token } from "/vendor/marked.esm.js";

const TAGS =
  "p br hr strong em del code pre blockquote ul ol li h3 h4 h5 h6 a table thead tbody tr th td".split(" ");

const marked = new Marked({
  gfm: true,
  breaks: true, // In a chat a line break is meant.
  renderer: {
    html: ({ text, block }) => (block ? `<p>${escape(text)}</p>` : escape(text)),
    // Loading an image tells its host who reads this and when; the description says what it is.
    image: ({ text }) => escape(text === "" ? "[image]" : `[image: ${text}]`),
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6); // h1 and h2 are the page's own
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    // A checkbox that cannot be ticked is only a sign.
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** Splits Markdown into its top-level blocks. `raw` of all of them joined is the source. */
export function blocksOf(source: string): Token[] {
  return marked.lexer(source);
}

/** Renders blocks to clean nodes that are not yet in the document. */
export function renderBlocks(blocks: readonly Token[]): DocumentFragment {
  return DOMPurify.sanitize(marked.parser([...blocks]), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ADD_URI_SAFE_ATTR: ["start"], // the rule above is for addresses, and would refuse a list's first number
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
