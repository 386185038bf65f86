"""The page: server-rendered, inline SVG, no script needed; and the read model as JSON. ``routes.page_router`` has
both."""
