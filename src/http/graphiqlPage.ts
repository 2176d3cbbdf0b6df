/** The page that GraphiQL is. */
import type { GraphiQLOptions } from 'graphql-yoga';

/**
 * At the first visit GraphiQL moves its tabs into place, and leaves them with transformations that come to life when a tab
 * is pressed: it jumps away from under the pointer, and is not chosen.
 */
const STYLE = '<style>.graphiql-tab { transform: none !important; }</style>';

export async function renderPage(options?: GraphiQLOptions): Promise<string> {
  // Nine megabytes, loaded when a browser asks for it.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options).replace('</head>', () => `${STYLE}</head>`);
}
