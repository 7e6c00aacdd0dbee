import OpenAI from "openai";

const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY say where
const messages = [];

for (const content of ["Hi! What roasts do you have?", "Do you ship free?", "What did I say first?"]) {
  console.log(`You:   ${content}`);
  messages.push({ role: "user", content });
  const stream = client.chat.completions.stream({ model: "support-bot", messages });
  process.stdout.write("Beans: ");
  stream.on("content", (words) => process.stdout.write(words));
  messages.push(await stream.finalMessage());
  console.log("\n");
}
