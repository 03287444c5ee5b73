import { html } from 'hono/html'

/** The page that asks a browser for the token. */
export function loginPage(words = '') {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>millrace</title>
    <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 22rem; margin: 20vh auto; padding: 0 1rem }
      input, button { font: inherit; width: 100%; box-sizing: border-box; padding: 0.5rem; margin-top: 0.5rem }
      p { color: #b00020; min-height: 1.5em }
    </style>
  </head>
  <body>
    <h1>millrace</h1>
    <form method="post" action="/login">
      <label for="token">Token (MILLRACE_TOKEN)</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
      <button>Show the queues</button>
    </form>
    <p>${words}</p>
  </body>
</html>`
}
