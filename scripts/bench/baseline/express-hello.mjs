// The least an express server can be: what kartad's start is held against. JavaScript, so that it starts as fast as it can.
import express from "express";

const app = express();
app.get("/readyz", (_request, response) => response.json({ status: "ok" }));
app.listen(Number(process.argv[2]), "127.0.0.1");
