// Shows HTML of a script without letting it do anything: a frame with an origin of its own, where no script runs and
// nothing is loaded (it inherits the page's content security policy).

interface Policy {
  createHTML: (html: string) => string;
}

interface Factory {
  createPolicy: (name: string, rules: Policy) => Policy;
}

/** The only place where text becomes a document. Browsers with trusted types want that said. */
const policy = (globalThis as { trustedTypes?: Factory }).trustedTypes?.createPolicy('preview', {
  createHTML: (html) => html
});

/** An attachment for an iframe. The sandbox is set first, and allows nothing. */
export function preview(html: string): (frame: HTMLIFrameElement) => void {
  return (frame) => {
    frame.setAttribute('sandbox', '');
    frame.srcdoc = policy?.createHTML(html) ?? html;
  };
}
