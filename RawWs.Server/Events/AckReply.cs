namespace RawWs.Server.Events;

/// <summary>A client's wish for an ack: the first answer is sent, any further one is ignored.</summary>
internal sealed class AckReply(EventSocket socket, long id)
{
    private int _isAnswered;

    public void Send<T>(T value) => Send(socket.Hub.Json.Encode(value));

    public void Send(EventArguments arguments)
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) == 0)
            socket.SendAck(id, arguments);
    }

    public void SendError(string code, string message = "")
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) == 0)
            socket.SendAckError(id, code, message);
    }
}
