from openai import OpenAI

client = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say where
messages = []

for content in ["Hi! What roasts do you have?", "Do you ship free?", "What did I say first?"]:
    print(f"You:   {content}\nBeans: ", end="")
    messages.append({"role": "user", "content": content})
    answer = ""
    for chunk in client.chat.completions.create(model="support-bot", messages=messages, stream=True):
        words = chunk.choices[0].delta.content or ""
        print(words, end="", flush=True)
        answer += words
    messages.append({"role": "assistant", "content": answer})
    print("\n")
