using System.Net.WebSockets;
using System.Threading.Channels;

namespace RawWs.Bench.Peers;

/// <summary>
/// Sends what comes on one connection to all of them: each has a bounded queue, and all share the payload.
/// </summary>
internal sealed class KestrelFan
{
    private const int MaxWaiting = 65_536;

    // Also the order of the messages, which is the same for every receiver.
    private readonly Lock _lock = new();
    private readonly HashSet<Member> _members = [];

    public async Task RunAsync(WebSocket socket)
    {
        var member = new Member(socket);
        lock (_lock)
            _members.Add(member);
        var sending = member.SendAsync();
        try
        {
            using var receiver = new KestrelReceiver(socket);
            while (await receiver.ReceiveAsync())
                Publish(new Message(receiver.Type, receiver.Payload.ToArray()));
        }
        finally
        {
            lock (_lock)
                _members.Remove(member);
            member.Queue.Writer.TryComplete();
            await sending;
        }
    }

    private void Publish(Message message)
    {
        lock (_lock)
        {
            foreach (var member in _members)
            {
                // One that reads too slowly is dropped.
                if (!member.Queue.Writer.TryWrite(message))
                    member.Socket.Abort();
            }
        }
    }

    private readonly record struct Message(WebSocketMessageType Type, byte[] Payload);

    private sealed class Member(WebSocket socket)
    {
        public WebSocket Socket => socket;

        public Channel<Message> Queue { get; } =
            Channel.CreateBounded<Message>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

        /// <summary>Sends what has gathered, one message behind the other, each time that something is there.</summary>
        public async Task SendAsync()
        {
            try
            {
                var reader = Queue.Reader;
                while (await reader.WaitToReadAsync())
                {
                    while (reader.TryRead(out var message))
                        await socket.SendAsync(
                            message.Payload.AsMemory(), message.Type, true, CancellationToken.None);
                }
            }
            catch (WebSocketException)
            {
                // The client is gone, which the receiving side also learns.
            }
        }
    }
}
